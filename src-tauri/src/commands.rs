//! The window's commands, by name one to one the companion's. Nothing is decided here.

use roomed_companion::view::AppState;
use roomed_companion::{AssignRequest, Handle, InviteRequest, InviteView, LateRequest, Problem, SayRequest};
use tauri::State;
use tauri::ipc::Invoke;

use crate::shell::Shell;

type Done = Result<(), Problem>;

/// All of them, for the builder.
pub(crate) fn all() -> impl Fn(Invoke) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        state,
        page_ready,
        sign_in,
        sign_out,
        acknowledge,
        join,
        end,
        undo_end,
        say,
        late,
        help_taken,
        assign,
        invite,
        revoke_invitation,
        open_visit,
        close_visit,
        dismiss_join,
        dismiss_pending,
        take_offer,
        cover,
        same_person,
        dismiss_problem,
        set_sound,
        retry_keychain
    ]
}

fn companion(shell: &State<'_, Shell>) -> Result<Handle, Problem> {
    match &**shell {
        Shell::Running(handle) => Ok(handle.clone()),
        // The window already shows this problem: nothing else can be pressed.
        Shell::NotSetUp(state) => Err(state.problem.clone().expect("a companion that is not set up says why")),
    }
}

#[tauri::command]
fn state(shell: State<'_, Shell>) -> AppState {
    match &*shell {
        Shell::Running(handle) => handle.state().borrow().clone(),
        Shell::NotSetUp(state) => (**state).clone(),
    }
}

#[tauri::command]
async fn page_ready(shell: State<'_, Shell>) -> Done {
    if let Some(handle) = shell.handle() {
        handle.page_ready();
    }
    Ok(())
}

#[tauri::command]
async fn sign_in(shell: State<'_, Shell>) -> Done {
    companion(&shell)?.sign_in().await
}

#[tauri::command]
async fn sign_out(shell: State<'_, Shell>) -> Done {
    companion(&shell)?.sign_out().await
}

#[tauri::command]
async fn acknowledge(shell: State<'_, Shell>, visit: String) -> Done {
    companion(&shell)?.acknowledge(&visit).await
}

#[tauri::command]
async fn join(shell: State<'_, Shell>, visit: String) -> Done {
    companion(&shell)?.join(&visit).await
}

#[tauri::command]
async fn end(shell: State<'_, Shell>, visit: String) -> Done {
    companion(&shell)?.end(&visit).await
}

#[tauri::command]
async fn undo_end(shell: State<'_, Shell>, visit: String) -> Done {
    companion(&shell)?.undo_end(&visit).await
}

#[tauri::command]
async fn say(shell: State<'_, Shell>, visit: String, request: SayRequest) -> Done {
    companion(&shell)?.say(&visit, &request).await
}

#[tauri::command]
async fn late(shell: State<'_, Shell>, request: LateRequest) -> Done {
    companion(&shell)?.late(&request).await
}

#[tauri::command]
async fn help_taken(shell: State<'_, Shell>, visit: String, participant: String) -> Done {
    companion(&shell)?.help_taken(&visit, &participant).await
}

#[tauri::command]
async fn assign(shell: State<'_, Shell>, visit: String, request: AssignRequest) -> Done {
    companion(&shell)?.assign(&visit, &request).await
}

#[tauri::command]
async fn invite(shell: State<'_, Shell>, visit: String, request: InviteRequest) -> Result<InviteView, Problem> {
    companion(&shell)?.invite(&visit, &request).await
}

#[tauri::command]
async fn revoke_invitation(shell: State<'_, Shell>, visit: String, participant: String) -> Done {
    companion(&shell)?.revoke_invitation(&visit, &participant).await
}

#[tauri::command]
async fn open_visit(shell: State<'_, Shell>, visit: String) -> Done {
    companion(&shell)?.open_visit(&visit);
    Ok(())
}

#[tauri::command]
async fn close_visit(shell: State<'_, Shell>) -> Done {
    companion(&shell)?.close_visit();
    Ok(())
}

#[tauri::command]
async fn dismiss_join(shell: State<'_, Shell>) -> Done {
    companion(&shell)?.dismiss_join();
    Ok(())
}

#[tauri::command]
async fn dismiss_pending(shell: State<'_, Shell>, id: String) -> Done {
    companion(&shell)?.dismiss_pending(&id);
    Ok(())
}

#[tauri::command]
async fn take_offer(shell: State<'_, Shell>, yes: bool) -> Done {
    companion(&shell)?.take_offer(yes).await
}

#[tauri::command]
async fn cover(shell: State<'_, Shell>, yes: bool) -> Done {
    companion(&shell)?.cover(yes);
    Ok(())
}

#[tauri::command]
async fn same_person(shell: State<'_, Shell>, id: u32, yes: bool) -> Done {
    companion(&shell)?.same_person(id, yes);
    Ok(())
}

#[tauri::command]
async fn dismiss_problem(shell: State<'_, Shell>) -> Done {
    companion(&shell)?.dismiss_problem();
    Ok(())
}

#[tauri::command]
async fn set_sound(shell: State<'_, Shell>, on: bool) -> Done {
    companion(&shell)?.set_sound(on);
    Ok(())
}

#[tauri::command]
async fn retry_keychain(shell: State<'_, Shell>) -> Done {
    companion(&shell)?.retry_keychain().await;
    Ok(())
}
