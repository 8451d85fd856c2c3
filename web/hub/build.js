// Builds the pages once for each language: English is `index.html`, another one `index.<language>.html` with its scripts in a
// folder of their own. Styles, fonts and pictures are the same files.
import { rename, rm } from 'node:fs/promises';
import process from 'node:process';
import { build } from 'vite';
import languages from '../ui/src/languages.json' with { type: 'json' };

const pages = new URL('../../hub/src/rsparkhub/pages/', import.meta.url);

await rm(pages, { recursive: true, force: true });
// Last what keeps its name.
for (const language of Object.keys(languages).sort(
  (one, other) => Number(one === 'en') - Number(other === 'en'),
)) {
  process.env.LANGUAGE_OF_PAGES = language;
  await build();
  if (language !== 'en') await rename(new URL('index.html', pages), new URL(`index.${language}.html`, pages));
}
