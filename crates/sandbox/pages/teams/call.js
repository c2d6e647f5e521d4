// A seat in a stand-in meeting: draws whatever view the server sends, and says what its owner does.
// The open event stream is the page's sign of life; no farewell is sent when the page is closed, as in Teams.
"use strict";

const part = (id) => document.getElementById(id);
const WAITING = {
  waiting: ["The meeting hasn't started yet", "When it does, we'll let people know that you're waiting."],
  lobby: ["Someone will let you in soon", "We've let people in the meeting know that you're waiting."],
};
const OVER = {
  left: ["You left the meeting", "If that was an accident, you can come back."],
  removed: ["You've been removed from this meeting", "Ask the organizer if you think this was a mistake."],
  ended: ["This meeting has ended", "Thank you for joining."],
};
let seatId = null;
let view = null;
let camera = null;
let waitingBefore = 0;
let drawnAt = 0;

/** Initials and a steady colour for a name. */
function avatar(element, name) {
  const words = (name ?? "").replace(/^Dr\.? /, "").trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? words[0][0] + words[words.length - 1][0] : (words[0] ?? "?").slice(0, 2);
  let sum = 0;
  for (const character of name ?? "") sum = (sum * 31 + character.codePointAt(0)) % 997;
  element.textContent = letters.toUpperCase();
  element.className = element.className.replace(/ ?\bhue\d\b/g, "") + ` hue${sum % 6}`;
}

/** Begins to listen on a seat; `media` is what the door's preview opened, if anything. */
function takeSeat(seat, media) {
  seatId = seat;
  camera = media;
  const stream = new EventSource(`/api/seats/${seat}/events`);
  stream.addEventListener("view", (event) => {
    view = JSON.parse(event.data);
    drawnAt = performance.now();
    if (view.stage in OVER) stream.close();
    draw();
  });
}

function draw() {
  part("lobby").hidden = !(view.stage in WAITING);
  part("in-call").hidden = view.stage !== "in-call";
  part("over").hidden = !(view.stage in OVER);
  document.body.dataset.stage = view.stage;
  if (view.stage in WAITING) {
    [part("wait-title").textContent, part("wait-text").textContent] = WAITING[view.stage];
    part("lobby").dataset.stage = view.stage;
  }
  if (view.stage in OVER) {
    [part("over-title").textContent, part("over-text").textContent] = OVER[view.stage];
    part("over").dataset.stage = view.stage;
    camera?.getTracks().forEach((track) => track.stop());
  }
  if (view.stage === "in-call") drawCall();
}

function drawCall() {
  // Tiles are made anew only when people come or go: a video that is put back starts over
  const shown = [...part("tiles").children].map((box) => box.dataset.leg).join();
  if (shown !== view.people.map((person) => person.leg).join()) part("tiles").replaceChildren(...view.people.map(tile));
  part("tiles").dataset.count = Math.min(view.people.length, 9);
  part("people-list").replaceChildren(...view.people.map((person) => row(person)));
  part("lobby-list").replaceChildren(...view.lobby.map(waitingRow));
  part("lobby-section").hidden = view.lobby.length === 0;
  part("lobby-count").textContent = view.lobby.length || "";
  part("inside-count").textContent = view.people.length;
  part("people-count").textContent = view.people.length;
  part("end-meeting").hidden = !view.canEnd;
  if (view.lobby.length > waitingBefore) {
    const name = view.lobby[view.lobby.length - 1].name;
    part("toast").textContent = `${name} is waiting in the lobby`;
    part("toast").hidden = false;
  } else if (view.lobby.length === 0) {
    part("toast").hidden = true;
  }
  waitingBefore = view.lobby.length;
  tick();
}

function tile(person) {
  const box = document.createElement("figure");
  box.className = "tile";
  box.dataset.leg = person.leg;
  if (person.self && camera) {
    const video = document.createElement("video");
    Object.assign(video, { autoplay: true, muted: true, playsInline: true, srcObject: camera });
    box.append(video);
  } else {
    const picture = document.createElement("div");
    picture.className = "avatar big";
    avatar(picture, person.name);
    box.append(picture);
  }
  const caption = document.createElement("figcaption");
  caption.textContent = person.self ? `${person.name} (you)` : person.name;
  if (person.guest) caption.append(badge("Guest"));
  box.append(caption);
  return box;
}

function badge(text) {
  const it = document.createElement("span");
  it.className = "badge";
  it.textContent = text;
  return it;
}

function row(person) {
  const item = document.createElement("li");
  const picture = document.createElement("span");
  picture.className = "avatar";
  avatar(picture, person.name);
  const words = document.createElement("span");
  words.className = "words";
  const name = document.createElement("strong");
  name.textContent = person.self ? `${person.name} (you)` : person.name;
  const title = document.createElement("small");
  title.textContent = person.title;
  words.append(name, title);
  item.append(picture, words);
  return item;
}

function waitingRow(person) {
  const item = row(person);
  item.dataset.lobbyGuest = person.leg;
  const admit = document.createElement("button");
  admit.type = "button";
  admit.className = "admit";
  admit.textContent = "Admit";
  admit.setAttribute("aria-label", `Admit ${person.name}`);
  admit.addEventListener("click", () => say(`admit/${person.leg}`));
  const deny = document.createElement("button");
  deny.type = "button";
  deny.className = "deny quiet-button";
  deny.textContent = "Deny";
  deny.setAttribute("aria-label", `Deny ${person.name}`);
  deny.addEventListener("click", () => say(`remove/${person.leg}`));
  item.append(deny, admit);
  return item;
}

function tick() {
  if (view?.stage !== "in-call") return;
  const seconds = view.seconds + Math.floor((performance.now() - drawnAt) / 1000);
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  part("call-clock").textContent = `${hours ? `${two(hours)}:` : ""}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

const say = (what) => fetch(`/api/seats/${seatId}/${what}`, { method: "POST" });

part("leave").addEventListener("click", () => say("leave"));
part("leave-lobby").addEventListener("click", () => say("leave"));
part("end-meeting").addEventListener("click", () => say("end"));
part("toggle-people").addEventListener("click", () => {
  part("people").hidden = !part("people").hidden;
  part("toggle-people").setAttribute("aria-pressed", String(!part("people").hidden));
});
setInterval(tick, 1000);
