#!/bin/sh
# Sends an audio file through a model over the developer API and fetches one stem. Needs curl and python3 (to read JSON).
#
#   TRIBUTARY_API=http://127.0.0.1:7704/api/v1 TRIBUTARY_KEY=trb_... examples/api.sh song.wav [model] [stem] [to.wav]
set -eu
file=$1 model=${2:-mini} stem=${3:-vocals} to=${4:-$stem.wav}

ask() { curl --silent --show-error --fail-with-body --retry 5 -H "Authorization: Bearer $TRIBUTARY_KEY" "$@"; }
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# The server decodes the file and says which clip it is. The file may be of any length, so it is not read into memory.
clip=$(ask -T "$file" -X POST -H 'Content-Type: application/octet-stream' "$TRIBUTARY_API/clips")
shape=$(echo "$clip" | python3 -c 'import json, sys; c = json.load(sys.stdin); del c["sha256"]; print(json.dumps(c)[1:-1])')
quote=$(ask -H 'Content-Type: application/json' -d "{\"model\": \"$model\", $shape}" "$TRIBUTARY_API/quotes")
echo "costs at most $(echo "$quote" | field credits) of $(echo "$quote" | field available) credits" >&2

# Asking again with the same key, after whatever went wrong, answers with the same job and never pays twice.
key="$(echo "$clip" | field sha256)-$model"
job=$(ask -H 'Content-Type: application/json' -H "Idempotency-Key: $key" \
  -d "{\"model\": \"$model\", \"clip\": $clip}" "$TRIBUTARY_API/jobs")
id=$(echo "$job" | field id)

# Each change of the job is an event; the stream ends with the job.
ask --no-buffer "$TRIBUTARY_API/jobs/$id/events" | grep --line-buffered '^data:' | while read -r _ change; do
  echo "$(echo "$change" | field state): $(echo "$change" | field chunks_done) of $(echo "$change" | field chunks)" >&2
done
ask --output "$to" "$TRIBUTARY_API/jobs/$id/stems/$stem"
echo "$to"
