import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { ConnectionOptions } from '@nats-io/transport-node';
import type { NatsOptions } from './nats.options.js';

/**
 * The client's options for TLS. They are those of Node's `tls.connect`, and where they are given the
 * client refuses a server without TLS.
 *
 * Of a server that is named by its IP address, Node would compare the certificate with `localhost`,
 * since the client does not pass the address on. Here it is compared with the address.
 */
export function tlsOptions(
  given: NatsOptions['tls'],
): Pick<ConnectionOptions, 'tls' | 'reconnectToServer'> {
  if (given?.servername !== undefined || given?.host !== undefined || given?.checkServerIdentity) {
    return { tls: asTheClientHasThem(given) };
  }
  let dialled = '';
  return {
    tls: asTheClientHasThem({
      ...given,
      checkServerIdentity: (name, certificate) =>
        checkServerIdentity(name === 'localhost' && isIP(dialled) ? dialled : name, certificate),
    }),
    // Called before each connection, with the server that the client has chosen at the head.
    reconnectToServer: ([chosen]) => {
      dialled = chosen?.hostname ?? '';
      return chosen ?? null;
    },
  };
}

/** The client declares some of these options alone, and takes all. */
const asTheClientHasThem = (
  given: NonNullable<NatsOptions['tls']>,
): NonNullable<ConnectionOptions['tls']> => given as NonNullable<ConnectionOptions['tls']>;
