/** `host`, `host:port` or `[::1]:port`. A host has neither blanks nor parts of a URL. */
const ADDRESS = /^(?:\[([\da-f:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/i;

/** Whether this is an address such as `localhost:6379`. */
export function isAddress(given: unknown): boolean {
  const port = typeof given === 'string' ? ADDRESS.exec(given)?.[3] : '0';
  return typeof given === 'string' && ADDRESS.test(given) && isPort(port);
}

const isPort = (port: string | undefined): boolean =>
  port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);

/** The host of an address. */
export const hostOf = (address: string): string | undefined => {
  const [, ipv6, host] = ADDRESS.exec(address) ?? [];
  return ipv6 ?? host;
};

/** The port of an address. Undefined where it names none. */
export const portOf = (address: string): number | undefined => {
  const port = ADDRESS.exec(address)?.[3];
  return port === undefined ? undefined : Number(port);
};
