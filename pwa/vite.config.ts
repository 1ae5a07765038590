import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import vue from "@vitejs/plugin-vue";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const COMPRESSED = /\.(html|js|css|svg|webmanifest|txt)$/;

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}

/** Put the one style sheet into index.html and publish its hash for the Content-Security-Policy. */
function inlineCss(folder: string): void {
  const page = join(folder, "index.html");
  const sheets = filesUnder(join(folder, "assets")).filter((path) => path.endsWith(".css"));
  const css = sheets.map((path) => readFileSync(path, "utf8").trim()).join("\n");
  const html = readFileSync(page, "utf8").replace(/\s*<link rel="stylesheet"[^>]*>/g, "");
  writeFileSync(page, html.replace("<!--css-->", () => `<style>${css}</style>`));
  const hash = createHash("sha256").update(css).digest("base64");
  writeFileSync(join(folder, "csp.json"), JSON.stringify({ styles: [`sha256-${hash}`] }));
  sheets.forEach((path) => rmSync(path));
}

/** Write sw.js with the list of files to keep and a version that changes when any of them does. */
function serviceWorker(folder: string): void {
  const kept = filesUnder(folder).filter((path) => /\.(html|js|svg|webmanifest)$/.test(path));
  const version = createHash("sha256");
  kept.forEach((path) => version.update(readFileSync(path)));
  const urls = kept.map((path) => `/${relative(folder, path)}`.replace(/^\/index\.html$/, "/"));
  const source = readFileSync("sw/sw.js", "utf8")
    .replace("__VERSION__", version.digest("hex").slice(0, 12))
    .replace('["__FILES__"]', JSON.stringify(urls.sort()));
  writeFileSync(join(folder, "sw.js"), source);
}

function precompress(folder: string): void {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
  for (const path of filesUnder(folder).filter((name) => COMPRESSED.test(name))) {
    const bytes = readFileSync(path);
    writeFileSync(`${path}.br`, brotliCompressSync(bytes, quality));
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  }
}

function finish(): Plugin {
  let folder = "dist";
  return {
    name: "finish-dist",
    apply: "build",
    configResolved(config) {
      folder = config.build.outDir;
    },
    closeBundle() {
      inlineCss(folder);
      serviceWorker(folder);
      precompress(folder);
    },
  };
}

export default defineConfig({
  plugins: [vue(), finish()],
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
  },
  build: { target: "es2019", cssCodeSplit: false, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": "http://127.0.0.1:8000" } },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts", "shared/**/*.test.ts"] },
});
