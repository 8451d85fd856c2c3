/** A folder as one file, as `rspark::hand_in()` makes one of it. */
import { Problem } from './api.ts';
import { together, type Chosen } from './sending.ts';

const BLOCK = 512; // bytes, of which all in a tar file has whole numbers
const LONGEST = 100; // bytes of a name in its header
const letters = new TextEncoder();

/** Return what was chosen with each folder in it as one `.tar.gz`, of which no more is made than is too large. */
export async function packFolders(files: readonly Chosen[], most: number): Promise<Chosen[]> {
  const whole = files.filter(({ path }) => !path.includes('/'));
  const inFolders = files.filter(({ path }) => path.includes('/'));
  const folders = together(inFolders, ({ path }) => path.slice(0, path.indexOf('/')));
  for (const [folder, within] of folders) {
    const path = `${folder}.tar.gz`;
    whole.push({ path, file: await pack(folder, path, within, most) });
  }
  return whole;
}

async function pack(folder: string, name: string, files: readonly Chosen[], most: number): Promise<File> {
  let size = 0;
  const upTo = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      size += chunk.length;
      if (size > most) controller.terminate();
    },
  });
  const parts = [...files.flatMap(entry), new Uint8Array(2 * BLOCK)];
  try {
    const packed = new Blob(parts).stream().pipeThrough(new CompressionStream('gzip')).pipeThrough(upTo);
    return new File([await new Response(packed).blob()], name);
  } catch {
    const unreadable = `A file in ${folder} can’t be read. Choose the folder again.`;
    throw new Problem(unreadable, 0, 'unreadable');
  }
}

function entry({ path, file }: Chosen): BlobPart[] {
  const name = letters.encode(path);
  const at = Math.floor(file.lastModified / 1000);
  const parts: BlobPart[] = [];
  // A name that is long, or of other letters than English has, stands before in a header of its own (POSIX 2001, pax).
  if (name.length > LONGEST || name.length > path.length) {
    const rest = ` path=${path}\n`;
    const length = letters.encode(rest).length;
    let size = length + 1; // in it the number that says it, with its own digits
    while (String(size).length + length !== size) size++;
    const said = letters.encode(`${size}${rest}`);
    parts.push(header(name, said.length, 'x', at), said, padding(said.length));
  }
  return [...parts, header(name, file.size, '0', at), file, padding(file.size)];
}

function header(name: Uint8Array, size: number, kind: string, at: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, where: number): void => block.set(letters.encode(text), where);
  block.set(name.subarray(0, LONGEST));
  put(
    `0000644\0${'0000000\0'.repeat(2)}${octal(size, 11)}\0${octal(at, 11)}\0${' '.repeat(8)}${kind}`,
    LONGEST,
  );
  put('ustar\0' + '00', 257);
  // The sum is over the block with spaces in its place.
  put(
    `${octal(
      block.reduce((sum, each) => sum + each),
      6,
    )}\0`,
    148,
  );
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function padding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}
