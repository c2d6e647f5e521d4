// The backend that ships: Tauri's commands and its one event `state`.
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { AppState } from "../../shared/protocol";
import type { Backend } from ".";

export function tauriBackend(): Backend {
  return {
    state: () => invoke<AppState>("state"),
    onState: async (listener) => {
      await listen<AppState>("state", ({ payload }) => listener(payload));
    },
    pageReady: () => invoke("page_ready"),
    signIn: () => invoke("sign_in"),
    signOut: () => invoke("sign_out"),
    acknowledge: (visit) => invoke("acknowledge", { visit }),
    join: (visit) => invoke("join", { visit }),
    end: (visit) => invoke("end", { visit }),
    openVisit: (visit) => invoke("open_visit", { visit }),
    closeVisit: () => invoke("close_visit"),
    cover: (yes) => invoke("cover", { yes }),
    dismissProblem: () => invoke("dismiss_problem"),
    setSound: (on) => invoke("set_sound", { on }),
    retryKeychain: () => invoke("retry_keychain"),
  };
}
