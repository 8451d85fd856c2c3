/** Whether an address means the computer that it is opened on, so that it leads nowhere on another. */
export function isThisComputerOnly(url: string): boolean {
  const { hostname } = new URL(url);
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname.startsWith('127.') ||
    hostname === '[::1]'
  );
}
