import { RedisConnectionError } from '../../../core/errors/connection.errors.js';
import { ServerReplyError } from '../../../core/errors/server.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import { isReply } from '../reply-errors.js';
import { parseAddress, type Address } from './topology.js';

/**
 * Why a node did not carry a command out: `moved` and `ask` name another node, `wait` means that the
 * cluster is about to change, `unreachable` that the node could not be asked.
 */
export type Redirection =
  | { readonly kind: 'moved' | 'ask'; readonly slot: number; readonly to: Address }
  | { readonly kind: 'wait' | 'unreachable' };

/** What an error says about where the command belongs. In all these cases it was not carried out. */
export function redirectionOf(error: unknown): Redirection | undefined {
  if (error instanceof RedisConnectionError) {
    return error.outcome === 'not-sent' ? { kind: 'unreachable' } : undefined;
  }
  // The connection of a node that is no master any more was closed while it was waited for.
  if (error instanceof ClosedError) return { kind: 'unreachable' };
  const reply = error instanceof ServerReplyError ? error.cause : error;
  if (!isReply(reply)) return undefined;
  const [word, slot, to] = reply.message.split(' ', 3);
  switch (word) {
    case 'MOVED':
      return { kind: 'moved', slot: Number(slot), to: parseAddress(to!) };
    case 'ASK':
      return { kind: 'ask', slot: Number(slot), to: parseAddress(to!) };
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
