import { defineConfig } from 'vite';

export default defineConfig({
  // The page is served below a session's own path, whatever that is.
  base: './',
  build: {
    // The Python package carries the page; Git doesn't.
    outDir: '../../session/src/rspark_session/terminal/static',
    emptyOutDir: true,
    target: ['chrome123', 'firefox125', 'safari17.5'],
    // The page's policy allows no data: URLs for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
