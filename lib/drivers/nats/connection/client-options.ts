import type { ConnectionOptions } from '@nats-io/transport-node';
import { backoffDelay } from '../../../core/backoff.js';
import { loginOf } from './login.js';
import type { NatsPackages } from './nats-packages.js';
import { DEFAULT_SERVER, type CompletedNatsOptions } from './nats.options.js';
import { readServer, type ServerAddress } from './server-address.js';
import { tlsOptions } from './tls.js';

/** Interval at which the client asks whether the server still answers, in milliseconds. */
const PING_INTERVAL = 5000;
/** How many of these questions may be open before the connection counts as broken. */
const PINGS = 2;

/** The waits before the driver tries to reconnect. */
const RECONNECT = { type: 'exponential', delay: 50, maxDelay: 2000, jitter: 0.5 } as const;

/** The servers that the options name. */
export function serversOf({
  url,
  servers,
}: Pick<CompletedNatsOptions, 'url' | 'servers'>): ServerAddress[] {
  return (servers ?? [url ?? DEFAULT_SERVER]).map((server) => readServer(server)!);
}

/** Where the servers should be: hosts and ports, without logins. */
export const addressOf = (options: CompletedNatsOptions): string =>
  options.connection
    ? 'the connection of the application'
    : serversOf(options)
        .map(({ address }) => address)
        .join(', ');

/**
 * What the client is told.
 * @param attempts how often a reconnection has failed since the connection broke
 */
export function clientOptions(
  options: CompletedNatsOptions,
  packages: NatsPackages,
  attempts: () => number,
): ConnectionOptions {
  const { name, connectTimeout, inboxPrefix, maxReconnects = -1, tls } = options;
  const servers = serversOf(options);
  const authenticator = loginOf(options, servers, packages);
  const wantsTls = tls !== undefined || servers.some((server) => server.tls);
  return {
    servers: servers.map(({ address }) => address),
    name,
    timeout: connectTimeout,
    ...(inboxPrefix !== undefined && { inboxPrefix }),
    ...(authenticator && { authenticator }),
    ...(wantsTls && tlsOptions(tls)),
    // The client's own default gives up after ten attempts, without an error.
    maxReconnectAttempts: maxReconnects,
    reconnect: maxReconnects !== 0,
    // A login that is refused now may be right when the server's administrator has mended it.
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: waits(attempts),
    pingInterval: PING_INTERVAL,
    maxPingOut: PINGS,
    noAsyncTraces: true,
  };
}

/** The client asks several times for each attempt, and gets the same wait. */
function waits(attempts: () => number): () => number {
  let of = -1;
  let wait = 0;
  return () => {
    const failed = attempts();
    if (failed !== of) wait = backoffDelay(RECONNECT, failed + 1);
    of = failed;
    return wait;
  };
}
