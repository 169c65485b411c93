//! How to get the plugin and sign it in.

use super::Edge;
use super::fault::Answer;
use super::layout::page;
use super::visit::Visit;
use axum::extract::State;
use maud::html;

pub(super) async fn show(State(edge): State<Edge>, visit: Visit) -> Answer {
    let body = html! {
        section .narrow .card {
            h1 { "The plugin" }
            p { "It runs in your DAW as CLAP or VST3: it records from the track, sends the take here, and plays the stems in time." }
            ol {
                li { "Put " code { "Tributary.clap" } " or " code { "Tributary.vst3" } " where your system keeps plugins."
                    dl {
                        dt { "Linux" } dd { code { "~/.clap" } " or " code { "~/.vst3" } }
                        dt { "macOS" } dd { code { "~/Library/Audio/Plug-Ins/CLAP" } " or " code { "…/VST3" } }
                        dt { "Windows" } dd { code { r"%LOCALAPPDATA%\Programs\Common\CLAP" } " or " code { r"…\VST3" } }
                    } }
                li { "Load it on a track, open its settings, and give it this server:" p { code .secret { (edge.grpc_url) } } }
                li { "Give it a " a href="/keys" { "key" } " of yours, or sign it in with the code it shows on " a href="/device" { "this page" } "." }
            }
        }
        section .narrow .card {
            h2 { "The command line" }
            pre { code { "export TRIBUTARY_SERVER=" (edge.grpc_url) "\nexport TRIBUTARY_KEY=trb_…\ntributary separate song.wav" } }
        }
    };
    Ok(page(&edge, &visit, "The plugin", &body))
}
