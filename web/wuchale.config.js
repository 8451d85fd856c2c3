// The texts of the hub's pages, taken out of their source (hub/src, ui/src) into a catalog for each language, and put back
// from it by the build of that language: `hub/languages.js` and `hub/vite.config.ts`.
import { adapter as components } from '@wuchale/svelte';
import { defaultGenerateLoadID, defineConfig, pofile } from 'wuchale';
import { adapter as modules } from 'wuchale/adapter-vanilla';
import languages from './ui/src/languages.json' with { type: 'json' };

/** Elements whose words are no language. */
const CODE = new Set(['code', 'path', 'pre', 'script', 'style']);
/** Attributes that may begin with a small letter, and are read by people all the same. */
const READ = new Set([
  'aria-label',
  'done',
  'empty',
  'heading',
  'hint',
  'label',
  'placeholder',
  'text',
  'title',
  'what',
]);
/** Attributes that nobody reads. */
const UNREAD = new Set(['autocomplete', 'class', 'data-key', 'href', 'id', 'name', 'rel', 'type', 'verb']);
/** Calls whose arguments are names. */
const NAMES =
  /(^|\.)(Symbol|get|getItem|getResponseHeader|querySelector|closest|setRequestHeader|addEventListener)$/;

/**
 * Say whether a piece of text is for people. Text of a page is; in scripts what begins with a capital letter, or has several
 * words. `@wc-include` and `@wc-ignore` before a text say it where this can't.
 */
function heuristic({ msgStr, details: { scope, element, attribute, call } }) {
  const text = msgStr.join('\n');
  if (!/\p{L}/u.test(text) || CODE.has(element) || UNREAD.has(attribute)) return false;
  if (scope === 'markup') return 'message';
  if (call && NAMES.test(call)) return false;
  if (scope === 'attribute' && READ.has(attribute)) return 'message';
  if (/^([A-Z]|\P{L})+$/u.test(text) || /^[A-Z][a-z]+(-[A-Z][a-z]+)+$|Error$/.test(text)) return false;
  if (/^\p{Lu}/u.test(text)) return 'message';
  return /^[a-z,# ][^{}()=;/[\]]* (\p{L}{2}|#)/u.test(text) ? 'message' : false;
}

const catalogs = {
  storage: pofile(),
  heuristic,
  // `count(n, ['session', 'sessions'])` has the forms that a language has.
  patterns: [{ name: 'count', args: ['other', 'message', 'pluralFunc'] }],
  loader: 'custom',
  // A page brings the texts that it has, and those of one language alone are in a build.
  granularLoad: true,
  bundleLoad: true,
};
/** The language never changes while a page is there: texts are read where they stand, also as a module is loaded. */
const runtime = {
  initReactive: () => null,
  useReactive: false,
  plain: { wrapInit: (catalog) => catalog, wrapUse: () => '_w_load_(_w_catalogs_)' },
};

export default defineConfig({
  locales: Object.keys(languages),
  localesDir: 'hub/src/languages',
  ai: null,
  logLevel: 'error',
  adapters: {
    components: components({
      ...catalogs,
      runtime,
      files: { include: ['hub/src/**/*.svelte', 'ui/src/**/*.svelte'], ignore: '**/Gallery.svelte' },
    }),
    modules: modules({
      ...catalogs,
      runtime,
      // Both write the texts of a file, each only those that it has of it: under one name the last would be left alone.
      generateLoadID: (file) => `modules_${defaultGenerateLoadID(file)}`,
      files: {
        include: ['hub/src/**/*.ts', 'ui/src/**/*.ts'],
        ignore: [
          '**/*.test.ts',
          '**/*.fixture.ts',
          '**/*.d.ts',
          '**/api-types.ts',
          '**/examples.ts',
          '**/icons.ts',
        ],
      },
    }),
  },
});
