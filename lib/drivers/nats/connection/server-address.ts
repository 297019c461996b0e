/** Where one server is, and what its url says of the login. */
export interface ServerAddress {
  /** `host:port`, as the client takes it. */
  readonly address: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** The url asks for TLS. */
  readonly tls: boolean;
}

const PORT = 4222;

/** Reads `nats://user:password@host:4222`, `tls://host`, or `host:4222`. Undefined: it is none of them. */
export function readServer(given: string): ServerAddress | undefined {
  const text = given.includes('://') ? given : `nats://${given}`;
  // The parser of URLs reads hosts of schemes that it knows, such as [::1].
  const parsed = /^(nats|tls):\/\/(.+)$/i.exec(text);
  const url = parsed && parse(`http://${parsed[2]}`, parsed[2]!);
  if (!url || !['', '/'].includes(url.pathname) || url.search || url.hash) return undefined;
  const { hostname, username, password } = url;
  const login =
    password === ''
      ? { token: decoded(username) }
      : { user: decoded(username), password: decoded(password) };
  return {
    address: `${hostname}:${portOf(url, parsed[2]!)}`,
    ...(username === '' ? {} : login),
    tls: parsed[1]!.toLowerCase() === 'tls',
  };
}

/** Whether this is the address of a server. */
export const isServer = (given: string): boolean => readServer(given) !== undefined;

function parse(text: string, rest: string): URL | undefined {
  // A port that `http` has by itself is dropped by the parser.
  return URL.canParse(text) && !rest.includes(' ') ? new URL(text) : undefined;
}

function portOf({ port }: URL, rest: string): number {
  if (port !== '') return Number(port);
  return /:80\/?$/.test(rest) ? 80 : PORT;
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
