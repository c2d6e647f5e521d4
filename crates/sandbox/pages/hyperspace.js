// The live schedule: statuses and marks follow the server's events; rows open with a click or the arrow keys.
"use strict";
const show = (element, words) => { element.textContent = words; element.dataset.state = words; };
for (const mark of document.querySelectorAll(".mark")) mark.dataset.state = mark.textContent;

const rows = [...document.querySelectorAll("tr[data-appointment]")];
for (const [index, row] of rows.entries()) {
  const open = row.querySelector("a");
  row.addEventListener("click", (event) => { if (!event.target.closest("a")) open.click(); });
  open.addEventListener("keydown", (event) => {
    const next = { ArrowDown: index + 1, ArrowUp: index - 1 }[event.key];
    const neighbour = rows[next]?.querySelector("a");
    if (neighbour) { event.preventDefault(); neighbour.focus(); }
  });
}

const words = {
  proposed: "Proposed", pending: "Pending", booked: "Scheduled", arrived: "Arrived", fulfilled: "Completed",
  cancelled: "Canceled", noshow: "No show", "entered-in-error": "Entered in error", "checked-in": "Checked in", waitlist: "Waitlist",
};
let known;
if (document.querySelector("table")) {
  const events = new EventSource("/hyperspace/events");
  // A page that was left may be kept for "back", its connection with it: six of those and the browser opens no more.
  addEventListener("pagehide", () => events.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  events.addEventListener("message", (event) => {
    const all = JSON.parse(event.data);
    // A visit somebody scheduled elsewhere: draw the page anew, unless something is being typed.
    const ids = all.map((it) => it.id).join();
    if (known !== undefined && known !== ids && !document.activeElement?.closest("form")) location.reload();
    known = ids;
    for (const { id, status, marks } of all) {
      for (const [whose, state] of Object.entries(marks)) {
        const row = document.querySelector(`[data-appointment="${id}"] [data-mark="${whose}"]`);
        const panel = document.querySelector(`[data-panel="${id}"] [data-live="${whose}"]`);
        if (row) show(row, state);
        if (panel) show(panel, state);
      }
      const row = document.querySelector(`[data-appointment="${id}"]`);
      const chip = row?.querySelector(".status");
      if (!chip) continue;
      row.dataset.status = status;
      chip.dataset.status = status;
      chip.textContent = words[status] ?? status;
    }
    document.documentElement.dataset.live = "1";
  });
}

document.querySelector("#provider")?.addEventListener("change", (event) => event.target.form.requestSubmit());
