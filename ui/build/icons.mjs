// Draws icons/ from the SVG sources with Debian's Chromium: the PNGs, and the ICO and ICNS containers around them.
// Run by hand after a source has changed (`npm run icons`); the results are committed, so no build needs a browser.
import { readFileSync, writeFileSync } from "node:fs";
import { chromium } from "playwright-core";

const icons = new URL("../../icons/", import.meta.url);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage();

async function png(source, size) {
  const drawing = readFileSync(new URL(`${source}.svg`, icons), "utf8");
  const svg = drawing.replace('width="512" height="512"', `width="${size}" height="${size}"`);
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(`<style>html,body{margin:0;background:transparent}svg{display:block}</style>${svg}`);
  return page.screenshot({ omitBackground: true, clip: { x: 0, y: 0, width: size, height: size } });
}

/** ICO: a directory of PNGs (https://learn.microsoft.com/previous-versions/ms997538). */
function ico(images) {
  const head = Buffer.alloc(6 + 16 * images.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(images.length, 4);
  let offset = head.length;
  images.forEach(({ size, data }, at) => {
    const entry = 6 + 16 * at;
    head.writeUInt8(size % 256, entry);
    head.writeUInt8(size % 256, entry + 1);
    head.writeUInt16LE(1, entry + 4);
    head.writeUInt16LE(32, entry + 6);
    head.writeUInt32LE(data.length, entry + 8);
    head.writeUInt32LE(offset, entry + 12);
    offset += data.length;
  });
  return Buffer.concat([head, ...images.map(({ data }) => data)]);
}

/** ICNS: chunks of type, length and PNG. */
function icns(images) {
  const chunks = images.map(({ type, data }) => {
    const head = Buffer.alloc(8);
    head.write(type, "latin1");
    head.writeUInt32BE(8 + data.length, 4);
    return Buffer.concat([head, data]);
  });
  const body = Buffer.concat(chunks);
  const head = Buffer.alloc(8);
  head.write("icns", "latin1");
  head.writeUInt32BE(8 + body.length, 4);
  return Buffer.concat([head, body]);
}

const sized = async (size, more = {}) => ({ size, data: await png("mark", size), ...more });
const save = (name, data) => writeFileSync(new URL(name, icons), data);

save("32x32.png", await png("mark", 32));
save("128x128.png", await png("mark", 128));
save("128x128@2x.png", await png("mark", 256));
save("icon.png", await png("mark", 512));
save("tray-idle.png", await png("tray-idle", 64));
save("tray-alert.png", await png("tray-alert", 64));
save("icon.ico", ico([await sized(16), await sized(24), await sized(32), await sized(48), await sized(64), await sized(256)]));
save("icon.icns", icns([
  await sized(32, { type: "ic11" }), await sized(64, { type: "ic12" }), await sized(128, { type: "ic07" }),
  await sized(256, { type: "ic08" }), await sized(256, { type: "ic13" }), await sized(512, { type: "ic09" }),
  await sized(512, { type: "ic14" }), await sized(1024, { type: "ic10" }),
]));
await browser.close();
