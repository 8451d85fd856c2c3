import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { wuchale } from 'wuchale/vite';
import { FIRST_TEXTS } from './src/languages/first-texts.ts';

/** English is the source itself: its pages know nothing of others (docs/decisions/0064). */
const SOURCE = 'en';
/** Which pages are built (`build.js`), or shown while they are worked on. */
const language = process.env.LANGUAGE_OF_PAGES ?? SOURCE;

/** Ask for the text font with the page, not after its styles were read. */
function preloadFont(): Plugin {
  return {
    name: 'preload-font',
    transformIndexHtml: {
      order: 'post',
      handler: (_html, { bundle }) =>
        Object.keys(bundle ?? {})
          .filter((file) => /inter-latin-wght-normal.*\.woff2$/.test(file))
          .map((file) => ({
            tag: 'link',
            attrs: {
              rel: 'preload',
              href: `/hub/${file}`,
              as: 'font',
              type: 'font/woff2',
              crossorigin: true,
            },
            injectTo: 'head' as const,
          })),
    },
  };
}

/** Return a page with what stands in it from the start in the language that is built. */
function translated(page: string): string {
  const texts = FIRST_TEXTS[language];
  if (!texts) throw new Error(`first-texts.ts has nothing in ${language}`);
  return Object.entries(texts).reduce((made, [english, said]) => {
    if (!made.includes(english)) throw new Error(`index.html does not say: ${english}`);
    return made.replace(english, () => said);
  }, page);
}

/** Say in the page's head which language it has; and take into it the texts of that language alone. */
function speak(): Plugin {
  return {
    name: 'speak',
    enforce: 'pre',
    // Before Vite, which may write the page in another way.
    transformIndexHtml: {
      order: 'pre',
      handler: (html) => translated(html.replace('<html lang="en">', `<html lang="${language}">`)),
    },
    load: (id) =>
      id.endsWith('.compiled.js') && !id.endsWith(`.${language}.compiled.js`) ? 'export const c = [];' : null,
  };
}

const other = language !== SOURCE;

export default defineConfig({
  base: '/hub/',
  define: { __LANGUAGE__: JSON.stringify(language) },
  plugins: [
    ...(other
      ? [wuchale({ configPath: fileURLToPath(new URL('../wuchale.config.js', import.meta.url)) }), speak()]
      : []),
    svelte({
      configFile: false,
      // The names of a component's own styles are in all it draws: short ones are fetched sooner.
      compilerOptions: { discloseVersion: false, cssHash: ({ hash, css }) => `s${hash(css).slice(0, 5)}` },
    }),
    preloadFont(),
  ],
  build: {
    // The Python package carries the pages; Git doesn't.
    outDir: '../../hub/src/rsparkhub/pages',
    emptyOutDir: false,
    target: ['chrome123', 'firefox125', 'safari17.5'],
    // The pages' policy allows no data: URLs for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What the first page needs is one file: two would say each other's names, and a browser would ask twice.
    // Nor are pieces apart that are always asked for together: a small file packs worse than a part of a larger one.
    rolldownOptions: {
      output: {
        ...(other && {
          entryFileNames: `assets/${language}/[name]-[hash].js`,
          chunkFileNames: `assets/${language}/[name]-[hash].js`,
        }),
        codeSplitting: {
          groups: [
            { name: 'start', tags: ['$initial'], priority: 3 },
            { name: 'log', test: /LogView|virtual-rows/, priority: 2 },
            { name: 'links', test: /state\/(handout|start-link)/, priority: 1 },
            { name: 'table', test: /components\/(Table|Tabs)\.svelte/, priority: 1 },
          ],
        },
      },
    },
  },
  server: {
    // `tests/pages/fixture_hub.py` or a real hub.
    proxy: { '/hub/api': process.env.RSPARKHUB_URL ?? 'http://127.0.0.1:8000' },
  },
});
