// The door of a stand-in meeting: who am I, what do I look like, join. Everything after that is call.js.
// Leaves out real media: the camera is only shown to its owner.
"use strict";

const at = (id) => document.getElementById(id);
const thread = location.pathname.split("/").pop();
const anonymous = new URLSearchParams(location.search).get("anonymous") === "true";
let door = null;
let mode = "guest";
let media = null;

async function begin() {
  if (!anonymous) {
    const answer = await fetch(`/api/meetings/${thread}/door`);
    door = answer.ok ? await answer.json() : null;
    drawAccounts();
  }
  show(door?.account ? "signed-in" : door ? "accounts" : "guest");
  at("door").hidden = false;
  requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.ready = "1"; }));
  preview();
}

function show(next) {
  mode = next;
  at("guest-form").hidden = mode !== "guest";
  at("signed-in").hidden = mode !== "signed-in";
  at("accounts").hidden = mode !== "accounts";
  at("join-now").hidden = mode === "accounts";
  at("as-guest").hidden = !door || mode === "guest";
  at("other-account").hidden = !door || mode === "accounts";
  at("problem").hidden = true;
  if (mode === "signed-in") {
    at("account-name").textContent = door.account.name;
    at("account-upn").textContent = door.account.upn;
    avatar(at("account-avatar"), door.account.name);
  }
  avatar(at("preview-avatar"), mode === "signed-in" ? door.account.name : at("display-name").value);
  at("join-now").disabled = mode === "guest" && !at("display-name").value.trim();
  if (mode === "guest") at("display-name").focus();
}

function drawAccounts() {
  for (const group of door?.accounts ?? []) {
    const title = document.createElement("h2");
    title.textContent = group.organization;
    at("account-list").append(title);
    for (const person of group.people) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.account = person.upn;
      const picture = document.createElement("span");
      picture.className = "avatar";
      avatar(picture, person.name);
      const words = document.createElement("span");
      const name = document.createElement("strong");
      name.textContent = person.name;
      const upn = document.createElement("small");
      upn.textContent = person.upn;
      words.append(name, upn);
      button.append(picture, words);
      button.addEventListener("click", () => join({ as: "account", upn: person.upn }));
      at("account-list").append(button);
    }
  }
}

async function preview() {
  try {
    media = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
    at("preview").srcObject = media;
    at("preview").hidden = false;
    at("preview-avatar").hidden = true;
    at("camera-state").textContent = "Camera on";
    at("microphone-state").textContent = "Microphone on";
  } catch {
    // No camera is no reason not to join
    media = null;
  }
}

async function join(comer) {
  at("join-now").disabled = true;
  const answer = await fetch(`/api/meetings/${thread}/seats`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(comer),
  });
  at("join-now").disabled = false;
  if (!answer.ok) {
    const { error } = await answer.json().catch(() => ({}));
    at("problem").textContent = error ?? "The meeting cannot be joined.";
    at("problem").hidden = false;
    return;
  }
  const { seat } = await answer.json();
  at("door").hidden = true;
  takeSeat(seat, media);
}

at("join-now").addEventListener("click", () => {
  const displayName = at("display-name").value.trim();
  if (mode === "signed-in") join({ as: "signedIn" });
  else if (displayName) join({ as: "guest", displayName });
});
at("guest-form").addEventListener("submit", (event) => {
  event.preventDefault();
  at("join-now").click();
});
at("display-name").addEventListener("input", () => {
  at("join-now").disabled = !at("display-name").value.trim();
  avatar(at("preview-avatar"), at("display-name").value);
});
at("other-account").addEventListener("click", () => show("accounts"));
at("as-guest").addEventListener("click", () => show("guest"));
at("rejoin").addEventListener("click", () => location.reload());
begin();
