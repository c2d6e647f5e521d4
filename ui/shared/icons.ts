// The few icons of ours, drawn on a grid of 20 with a line of 1.5. `line` is stroked, `solid` is filled,
// `cut` is drawn over a solid in the ground's colour. No icon carries a meaning without a word beside it.

export type IconShape = { line?: string; solid?: string; cut?: string };

export const icons = {
  absent: { line: "M8.2 3.3a7 7 0 0 1 3.6 0M15.2 5.3a7 7 0 0 1 1.6 3.1M16.6 12.3a7 7 0 0 1-2 3M11.5 16.8a7 7 0 0 1-3.3 0M5 15a7 7 0 0 1-1.7-3M3.2 8.2a7 7 0 0 1 1.7-3" },
  bell: { line: "M10 3a5 5 0 0 0-5 5v3.2L3.8 14h12.4L15 11.2V8a5 5 0 0 0-5-5ZM8 14.5a2 2 0 0 0 4 0" },
  "bell-off": { line: "M6.2 4.8A5 5 0 0 1 15 8v3.2l.6 1.4M5 7.6V11.2L3.8 14H14M8 14.5a2 2 0 0 0 4 0M3 3l14 14" },
  calendar: { line: "M4.5 4h11A1.5 1.5 0 0 1 17 5.5v9a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 3 14.5v-9A1.5 1.5 0 0 1 4.5 4ZM3 7.8h14" },
  chart: { line: "M6 3h5.5L15 6.5V15.5A1.5 1.5 0 0 1 13.5 17h-7A1.5 1.5 0 0 1 5 15.5v-11A1.5 1.5 0 0 1 6.5 3M11 3v4h4M7.5 12l1.5 1.5 3-3" },
  "chart-wait": { line: "M6 3h5.5L15 6.5V15.5A1.5 1.5 0 0 1 13.5 17h-7A1.5 1.5 0 0 1 5 15.5v-11A1.5 1.5 0 0 1 6.5 3M11 3v4h4M7.5 12h5" },
  "chart-none": { line: "M6 3h5.5L15 6.5V15.5A1.5 1.5 0 0 1 13.5 17h-7A1.5 1.5 0 0 1 5 15.5v-11A1.5 1.5 0 0 1 6.5 3M11 3v4h4M3 3.5l14 13" },
  check: { line: "M4 10.5l4 4 8-9" },
  "chevron-left": { line: "M12 4.5 6.5 10l5.5 5.5" },
  "chevron-right": { line: "M8 4.5 13.5 10 8 15.5" },
  clock: { line: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM10 6.2V10l2.6 1.8" },
  close: { line: "M5 5l10 10M15 5 5 15" },
  dot: { solid: "M10 6a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z" },
  device: { line: "M7 3h6a1.5 1.5 0 0 1 1.5 1.5v11A1.5 1.5 0 0 1 13 17H7a1.5 1.5 0 0 1-1.5-1.5v-11A1.5 1.5 0 0 1 7 3ZM9 14.5h2" },
  door: { line: "M4 17h12M5.5 17V4.5A1.5 1.5 0 0 1 7 3h6a1.5 1.5 0 0 1 1.5 1.5V17M11.5 10.2v.4" },
  error: { solid: "M6.7 2h6.6L18 6.7v6.6L13.3 18H6.7L2 13.3V6.7Z", cut: "M10 6v5M10 13.7v.1" },
  info: { solid: "M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16Z", cut: "M10 9v5M10 6.3v.1" },
  key: { line: "M13 3a4 4 0 0 0-3.8 5.3L3 14.5V17h3v-2h1.5v-1.5H9V12h1.5l1.2-1.2A4 4 0 1 0 13 3ZM13.8 6.2v.1" },
  leave: { line: "M11 4H5.5A1.5 1.5 0 0 0 4 5.5v9A1.5 1.5 0 0 0 5.5 16H11M8.5 10H17M14 6.8 17.2 10 14 13.2" },
  microphone: { line: "M10 3a2.5 2.5 0 0 0-2.5 2.5v4a2.5 2.5 0 0 0 5 0v-4A2.5 2.5 0 0 0 10 3ZM5 9.5a5 5 0 0 0 10 0M10 14.5V17" },
  offline: { line: "M5.5 15h8.3M6 15a3.5 3.5 0 0 1-.4-7M8 5.6A5 5 0 0 1 14.8 9a3 3 0 0 1 1.5 5.3M3 3l14 14" },
  person: { line: "M10 3.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM4 16.5c0-2.7 2.4-4.5 6-4.5s6 1.8 6 4.5Z" },
  people: { line: "M7.5 4.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM2.5 16c0-2.5 2-4 5-4s5 1.5 5 4ZM12.5 4.8a2.4 2.4 0 0 1 0 4.5M14.3 12.3c1.9.5 3.2 1.8 3.2 3.7h-2.2" },
  phone: { line: "M6.5 3.5 8.3 7 6.7 8.6a9 9 0 0 0 4.7 4.7L13 11.7l3.5 1.8v2a1.5 1.5 0 0 1-1.6 1.5C8.5 16.6 3.4 11.5 3 5.1A1.5 1.5 0 0 1 4.5 3.5Z" },
  practitioner: { line: "M5.5 3H4.5v4a4 4 0 0 0 8 0V3h-1M8.5 11v1.5a3.5 3.5 0 0 0 7 0V11.5M15.5 8.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3Z" },
  question: { line: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM8 8.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4M10 13.6v.1" },
  reconnect: { line: "M16 10a6 6 0 1 1-1.9-4.4M16.5 3v3.5H13" },
  speaker: { line: "M3 8v4h2.8L10 15.5v-11L5.8 8ZM12.8 7.5a3.5 3.5 0 0 1 0 5M15 5.2a6.8 6.8 0 0 1 0 9.6" },
  speech: { line: "M4.5 4h11A1.5 1.5 0 0 1 17 5.5v6A1.5 1.5 0 0 1 15.5 13H10l-3.5 3.5V13h-2A1.5 1.5 0 0 1 3 11.5v-6A1.5 1.5 0 0 1 4.5 4ZM6.5 7h7M6.5 10h4.5" },
  square: { line: "M5 5h10v10H5Z" },
  success: { solid: "M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16Z", cut: "M6.5 10.3l2.4 2.4 4.6-5" },
  video: { line: "M4 5.5h7A1.5 1.5 0 0 1 12.5 7v6a1.5 1.5 0 0 1-1.5 1.5H4A1.5 1.5 0 0 1 2.5 13V7A1.5 1.5 0 0 1 4 5.5ZM12.5 9l5-2.8v7.6l-5-2.8" },
  waves: { line: "M2.5 8.2a10.6 10.6 0 0 1 15 0M5.2 11a6.8 6.8 0 0 1 9.6 0M7.8 13.6a3.1 3.1 0 0 1 4.4 0M10 16.2v.1" },
  warning: { solid: "M10 2.2 18.6 17.4H1.4Z", cut: "M10 7.8v4.4M10 14.7v.1" },
} satisfies Record<string, IconShape>;

export type IconName = keyof typeof icons;
