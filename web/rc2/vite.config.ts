import { readFileSync } from 'node:fs';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

/** Leave out dockview's own themes, two thirds of its styles: the room has one of its own. */
const withoutThemes = {
  postcssPlugin: 'without-themes-of-dockview',
  Rule(rule: { selectors: string[]; remove: () => void }): void {
    if (rule.selectors.every((selector) => selector.startsWith('.dockview-theme-'))) rule.remove();
  },
};

/** What says how others may be given what we give on: Hunspell, and the dictionaries, of which the German one is under the GPL. */
const LICENCES: Record<string, string[]> = {
  hunspell: ['hunspell-wasm/COPYING.MPL'],
  'dictionary-en': ['dictionary-en/license'],
  'dictionary-en-gb': ['dictionary-en-gb/license'],
  'dictionary-de': ['dictionary-de/license', 'hunspell-wasm/COPYING'], // COPYING is the GPL itself
};
const licences: Plugin = {
  name: 'licences-beside-dictionaries',
  apply: 'build',
  generateBundle() {
    for (const [name, files] of Object.entries(LICENCES)) {
      const texts = files.map((file) =>
        readFileSync(new URL(`../node_modules/${file}`, import.meta.url), 'utf8'),
      );
      this.emitFile({ type: 'asset', fileName: `licences/${name}.txt`, source: texts.join('\n\n') });
    }
  },
};

export default defineConfig({
  css: { postcss: { plugins: [withoutThemes] } },
  // The page is served below a session's own path, whatever that is.
  base: './',
  plugins: [
    svelte({ configFile: false }),
    licences,
    VitePWA({
      registerType: 'prompt',
      injectRegister: false,
      filename: 'sw.js',
      scope: './',
      manifest: {
        name: 'Rc²',
        short_name: 'Rc²',
        description: 'R, Python and bash in the browser',
        start_url: './',
        scope: './',
        display: 'standalone',
        background_color: '#fefefe',
        theme_color: '#faf9f8',
        icons: [
          { src: 'icon-192.png', sizes: '192x192', type: 'image/png' },
          { src: 'icon-512.png', sizes: '512x512', type: 'image/png', purpose: 'any maskable' },
          { src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' },
        ],
      },
      workbox: {
        // The page itself opens without the network; the session's data never comes from a cache.
        globPatterns: ['**/*.{js,css,html,woff2,svg}'],
        maximumFileSizeToCacheInBytes: 3_000_000,
        navigateFallback: 'index.html',
        navigateFallbackDenylist: [/\/rc2\/api\//, /popout\.html$/, /config\.json$/],
        cleanupOutdatedCaches: true,
        inlineWorkboxRuntime: true,
      },
    }),
  ],
  worker: { format: 'es' },
  build: {
    // The Python package carries the page; Git doesn't.
    outDir: '../../session/src/rspark_session/rc2/static',
    emptyOutDir: true,
    target: ['chrome123', 'firefox125', 'safari17.5'],
    // The page's policy allows no data: URLs for scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
