// One project, four pages. `--mode companion`, `visit`, `staff` and `portal` build what ships; `companion-fake` and so on build the
// same pages on the in-page backend, for browser tests and screenshots: no fake is in what ships.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(({ mode }) => {
  if (mode === "test") {
    return {
      plugins: [svelte()],
      resolve: { conditions: ["browser"] },
      define: { __FAKE__: "true" },
      test: {
        environment: "jsdom",
        include: ["{companion,visit,staff,portal,shared}/**/*.test.ts"],
        setupFiles: [here("./build/test-setup.ts")],
      },
    };
  }
  const page = (["visit", "staff", "portal"] as const).find((name) => mode.startsWith(name)) ?? "companion";
  const fake = mode.endsWith("-fake");
  return {
    root: here(`./${page}`),
    // The companion is loaded from Tauri's asset protocol, the others from the relay under /v/, /staff/ and /portal/.
    base: { companion: "./", visit: "/v/", staff: "/staff/", portal: "/portal/" }[page],
    publicDir: false,
    plugins: [svelte({ configFile: here("./svelte.config.js") })],
    define: { __FAKE__: JSON.stringify(fake) },
    server: { host: "127.0.0.1", fs: { allow: [here(".")] } },
    build: {
      outDir: here(`./dist/${page}${fake ? "-fake" : ""}`),
      emptyOutDir: true,
      // WebKitGTK 2.40 and WebView2 for the companion; phones and browsers of the last four years for the others.
      target: page === "companion" ? ["safari16.4", "chrome114"] : ["safari16", "chrome109", "firefox115"],
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  };
});
