// What every stand-in page shares: times in the reader's own zone, and a mark that says "ready for a screenshot".
"use strict";
for (const element of document.querySelectorAll("time[datetime]")) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.valueOf())) continue;
  const two = (n) => String(n).padStart(2, "0");
  element.textContent = element.dataset.show === "date"
    ? at.toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" })
    : element.dataset.show === "day"
      ? at.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short" })
      : `${two(at.getHours())}:${two(at.getMinutes())}`;
}
requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.ready = "1"; }));

// A date-and-time field knows no zone: move the server's UTC suggestion to the reader's, and send the offset along.
for (const field of document.querySelectorAll("input[type=datetime-local]")) {
  const utc = new Date(`${field.value}Z`);
  const offset = utc.getTimezoneOffset();
  field.value = new Date(utc.valueOf() - offset * 60_000).toISOString().slice(0, 16);
  const hidden = field.form.elements.namedItem("offset");
  if (hidden) hidden.value = String(offset);
}
