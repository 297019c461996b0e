import { tlsProblems } from '../../connections/tls-problems.js';
import { isServer } from './server-address.js';

type Loose = Readonly<Record<string, unknown>>;

/** Options that a connection of the application has decided. */
const IN_CONNECTION = [
  'url',
  'servers',
  'user',
  'password',
  'token',
  'nkey',
  'credentials',
  'tls',
  'name',
  'inboxPrefix',
  'maxReconnects',
] as const;
const LOGINS = ['user', 'token', 'nkey', 'credentials'] as const;
const LOOKS = 'must look like nats://host:4222 or tls://host:4222';

/**
 * Finds options that contradict each other, as sentences. Never repeats a url, a password or a key.
 */
export function contradictions(options: Loose): string[] {
  const given = (key: string): boolean => options[key] !== undefined;
  const { url, servers } = options;
  const logins = LOGINS.filter(given);
  return [
    ...(given('url') && given('servers')
      ? ['url and servers both say where NATS is: give one of them']
      : []),
    ...(given('connection') ? IN_CONNECTION.filter(given).map(besideConnection) : []),
    ...(typeof url === 'string' && !isServer(url) ? [`url ${LOOKS}`] : []),
    ...(Array.isArray(servers)
      ? servers.flatMap((server, at) =>
          typeof server === 'string' && !isServer(server) ? [`servers[${at}] ${LOOKS}`] : [],
        )
      : []),
    ...(logins.length > 1
      ? [`${logins.join(' and ')} are different ways to log in: give one of them`]
      : []),
    ...(given('password') && !given('user') ? ['password needs user'] : []),
    ...inboxProblems(options['inboxPrefix']),
    ...seedProblems(options['nkey']),
    ...tlsProblems('tls', options['tls']),
  ];
}

const besideConnection = (key: string): string =>
  `${key} has no effect beside connection: set it where you connect`;

const seedProblems = (nkey: unknown): string[] =>
  typeof nkey === 'string' && !/^SU[A-Z2-7]{56}$/.test(nkey)
    ? ['nkey must be the seed of a user, which begins with SU and has 58 characters']
    : [];

const inboxProblems = (prefix: unknown): string[] =>
  typeof prefix === 'string' && !/^[^\s.*>]+(?:\.[^\s.*>]+)*$/.test(prefix)
    ? ['inboxPrefix must be a subject without wildcards, such as _INBOX.orders']
    : [];
