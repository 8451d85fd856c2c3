/** Let an effect run again when one of the values changes that it doesn't use itself. */
// eslint-disable-next-line @typescript-eslint/no-unused-vars -- to read them is all
export const track = (..._values: unknown[]): void => {};
