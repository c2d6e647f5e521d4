// The backend that ships: Tauri's commands and its one event `state`.
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { AppState, InviteView } from "../../shared/protocol";
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
    undoEnd: (visit) => invoke("undo_end", { visit }),
    say: (visit, request) => invoke("say", { visit, request }),
    late: (request) => invoke("late", { request }),
    invite: (visit, request) => invoke<InviteView>("invite", { visit, request }),
    revokeInvitation: (visit, participant) => invoke("revoke_invitation", { visit, participant }),
    assign: (visit, request) => invoke("assign", { visit, request }),
    helpTaken: (visit, participant) => invoke("help_taken", { visit, participant }),
    takeOffer: (yes) => invoke("take_offer", { yes }),
    dismissPending: (id) => invoke("dismiss_pending", { id }),
    openVisit: (visit) => invoke("open_visit", { visit }),
    closeVisit: () => invoke("close_visit"),
    dismissJoin: () => invoke("dismiss_join"),
    cover: (yes) => invoke("cover", { yes }),
    samePerson: (id, yes) => invoke("same_person", { id, yes }),
    dismissProblem: () => invoke("dismiss_problem"),
    setSound: (on) => invoke("set_sound", { on }),
    retryKeychain: () => invoke("retry_keychain"),
  };
}
