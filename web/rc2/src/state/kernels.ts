/** Which console runs code of a language. */

interface Kernel {
  name: string;
  language: string;
}

interface Running {
  kernelspec: string;
  language: string;
}

/**
 * Return the console that runs a language, or else the kernel to start for it; neither where the session has none.
 *
 * With `wanted`, the name of a kernel of this language, that one alone will do if the session has it.
 */
export function chosen<C extends Running, K extends Kernel>(
  consoles: readonly C[],
  kernelspecs: readonly K[],
  language: string,
  wanted: string | null,
): { console: C | undefined; kernelspec: K | undefined } {
  const speaking = kernelspecs.filter((one) => one.language === language);
  const own = speaking.find(({ name }) => name === wanted);
  const console = consoles.find((one) =>
    own ? one.kernelspec === own.name : one.language.toLowerCase() === language,
  );
  return { console, kernelspec: own ?? speaking[0] };
}
