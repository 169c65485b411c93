-- Makes an Ardour session with one stereo track and our plugin on it. Run by `cargo xtask daw` with ardour7-lua, which
-- has neither window nor sound card.

local folder = os.getenv("TRIBUTARY_DAW_FOLDER")
local name = os.getenv("TRIBUTARY_DAW_NAME")
local rate_hz = tonumber(os.getenv("TRIBUTARY_DAW_RATE_HZ"))

AudioEngine:set_backend("None (Dummy)", "", "")
local session = create_session(folder, name, rate_hz)
assert(session, "no session")

local order = ARDOUR.PresentationInfo.max_order
local made = session:new_audio_track(2, 2, nil, 2, "Verse 2", order, ARDOUR.TrackMode.Normal, true)
local tracks = {}
for track in made:iter() do tracks[#tracks + 1] = track end
tracks[2]:set_name("Stems")

local plugin = ARDOUR.LuaAPI.new_plugin(session, "Tributary", ARDOUR.PluginType.VST3, "")
assert(not plugin:isnil(), "Ardour does not know the plugin")
tracks[1]:add_processor_by_index(plugin, 0, nil, true)

print("track " .. tracks[1]:to_stateful():id():to_s())
print("plugin " .. plugin:to_stateful():id():to_s())
session:save_state("")
close_session()
quit()
