import { RedisConnectionError } from '../errors/redis-connection.errors.js';
import { ServerReplyError } from '../../../core/errors/server.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import { isReply } from '../errors/reply-errors.js';
import { parseAddress, UNKNOWN_HOST, type Address } from './topology.js';

/**
 * Why a node did not carry out a command. `moved` and `ask` name another node, `wait` means that
 * the cluster is about to change, `unreachable` means that the node could not be asked.
 */
export type Redirection =
  | { readonly kind: 'moved' | 'ask'; readonly slot: number; readonly to: Address }
  | { readonly kind: 'wait' | 'unreachable' };

/**
 * Reads from an error where the command belongs. In all these cases the command was not carried
 * out.
 * @param host of the node that answered: a reply without a host means this one
 */
export function redirectionOf(error: unknown, host?: string): Redirection | undefined {
  if (error instanceof RedisConnectionError) {
    return error.outcome === 'not-sent' ? { kind: 'unreachable' } : undefined;
  }
  // The node is no master any more, and its connection was closed while a command waited for it.
  if (error instanceof ClosedError) return { kind: 'unreachable' };
  const reply = error instanceof ServerReplyError ? error.cause : error;
  if (!isReply(reply)) return undefined;
  const [word, slot, to] = reply.message.split(' ', 3);
  switch (word) {
    case 'MOVED':
      return redirectedTo('moved', Number(slot), parseAddress(to!), host);
    case 'ASK':
      return redirectedTo('ask', Number(slot), parseAddress(to!), host);
    case 'TRYAGAIN':
    case 'CLUSTERDOWN':
    case 'READONLY':
    case 'MASTERDOWN':
    case 'LOADING':
      return { kind: 'wait' };
    default:
      return undefined;
  }
}

/** Where the reply names no host, the topology may know the node. */
function redirectedTo(
  kind: 'moved' | 'ask',
  slot: number,
  to: Address,
  host: string | undefined,
): Redirection {
  const known = to.host || host;
  if (!known || known === UNKNOWN_HOST) return { kind: 'wait' };
  return { kind, slot, to: { host: known, port: to.port } };
}
