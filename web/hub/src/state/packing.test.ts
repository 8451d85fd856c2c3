import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { packFolders } from './packing.ts';
import type { Chosen } from './sending.ts';

const MOST = 2 ** 20;

function file(path: string, content: string | Uint8Array<ArrayBuffer>): Chosen {
  return {
    path,
    file: new File([content], path.split('/').at(-1) ?? '', { lastModified: 1_700_000_000_000 }),
  };
}

it('makes one file of a folder that tar reads, with names of any length and letters', async () => {
  const deep = `labs/${'a'.repeat(150)}/${'b'.repeat(90)}.R`;
  const border = `labs/${'c'.repeat(89)}.R`; // the number that a record begins with counts itself: 99 or 100 bytes
  const files = [
    file('labs/lab1.Rmd', '1 + 1\n'),
    file('labs/Übung 語.csv', 'a,b\n'),
    file('labs/empty', ''),
    file(deep, 'deep'),
    file(`${border}x`, 'x'.repeat(512)),
    ...[86, 87, 88].map((length) => file(`labs/ü${'d'.repeat(length)}`, `${length}`)),
  ];
  const [packed, ...more] = await packFolders([file('notes.md', 'n'), ...files], MOST);
  expect(packed?.path).toBe('notes.md');
  expect(more.map(({ path }) => path)).toEqual(['labs.tar.gz']);
  const folder = mkdtempSync(join(tmpdir(), 'packing-'));
  writeFileSync(join(folder, 'it.tar.gz'), new Uint8Array((await more[0]?.file.arrayBuffer()) ?? []));
  execFileSync('tar', ['-xzf', 'it.tar.gz'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const { path, file } of files)
    expect(readFileSync(join(folder, path), 'utf8')).toBe(await file.text());
});

it('makes no more of a large folder than is too large', async () => {
  const noise = new Uint8Array(8 * MOST);
  for (let at = 0; at < noise.length; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536));
  const [packed] = await packFolders([file('labs/noise', noise)], MOST);
  expect(packed?.file.size).toBeGreaterThan(MOST);
  expect(packed?.file.size).toBeLessThan(3 * MOST);
});

it('says which folder can’t be read', async () => {
  const broken = vi.spyOn(Blob.prototype, 'stream').mockImplementation(() => {
    throw new DOMException('The file changed.', 'NotReadableError');
  });
  await expect(packFolders([file('labs/gone', '1')], MOST)).rejects.toThrow(
    'A file in labs can’t be read. Choose the folder again.',
  );
  broken.mockRestore();
});
