import { ReplaySubject } from 'rxjs';
import { BrokenConnections } from './broken-connections.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';

/** Values of `status` of a transport or client, as Nest's own transports use them. */
export type StreamsStatus = 'connected' | 'reconnecting' | 'disconnected';

const known = new WeakMap<StreamsRuntime, ConnectionStatus>();

/**
 * The state of all connections of a runtime as one status, shared by all its transports and
 * clients.
 */
export class ConnectionStatus {
  private readonly words = new ReplaySubject<StreamsStatus>(1);
  private readonly broken = new BrokenConnections();

  /** Follows the connections from the first call on. */
  static of(runtime: StreamsRuntime): ConnectionStatus {
    let status = known.get(runtime);
    if (!status) known.set(runtime, (status = new ConnectionStatus(runtime)));
    return status;
  }

  private constructor({ events }: StreamsRuntime) {
    events.on('disconnected', (connection) => {
      this.broken.add(connection);
      this.words.next('reconnecting');
    });
    events.on('connected', (connection) => {
      this.broken.delete(connection);
      this.opened();
    });
    events.on('connection-retired', (connection) => {
      if (this.broken.delete(connection)) this.opened();
    });
  }

  /** A connection works. The status is `connected` unless another connection is broken. */
  opened(): void {
    if (this.broken.size === 0) this.words.next('connected');
  }

  /**
   * Calls the listener with each status. The returned function ends that, with `disconnected` as
   * the last status.
   */
  tell(listener: (status: StreamsStatus) => void): () => void {
    const subscription = this.words.subscribe(listener);
    return () => {
      subscription.unsubscribe();
      listener('disconnected');
    };
  }
}
