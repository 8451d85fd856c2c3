import { readFileSync } from 'node:fs';
import PO from 'pofile';
import { describe, expect, it } from 'vitest';
import languages from '@rsparkhub/ui/languages.json' with { type: 'json' };

// What a catalog has is compared with the source by `wuchale check --full` (`npm run check`).
describe.each(Object.keys(languages).filter((language) => language !== 'en'))(
  'the catalog of %s',
  (language) => {
    const catalog = PO.parse(readFileSync(new URL(`${language}.po`, import.meta.url), 'utf-8'));

    it('has a translation for each text, in each form', () => {
      const lacking = catalog.items.filter(
        ({ msgstr }) => msgstr.length === 0 || msgstr.some((text) => !text.trim()),
      );
      expect(lacking.map(({ msgid }) => msgid)).toEqual([]);
    });

    it('has no text that is doubtful or gone', () => {
      expect(
        catalog.items.filter(({ obsolete, flags }) => obsolete || flags.fuzzy).map(({ msgid }) => msgid),
      ).toEqual([]);
    });

    it('says how many forms a word has', () => {
      const [, forms] = /nplurals=(\d)/.exec(catalog.headers['Plural-Forms'] ?? '') ?? [];
      const several = catalog.items.filter(({ msgid_plural }) => msgid_plural);
      expect(new Set(several.map(({ msgstr }) => msgstr.length))).toEqual(new Set([Number(forms)]));
    });
  },
);
