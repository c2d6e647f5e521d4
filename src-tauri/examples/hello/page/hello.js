// Says that the page is on the screen: the first frame is laid out, the second is drawn.
requestAnimationFrame(() => requestAnimationFrame(() => void window.__TAURI_INTERNALS__.invoke("drawn")));
