import { ReplaySubject } from 'rxjs';
import { BrokenConnections } from './broken-connections.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';

/** Words of a transport's and a client's `status`, as Nest's own use them. */
export type StreamsStatus = 'connected' | 'reconnecting' | 'disconnected';

const known = new WeakMap<StreamsRuntime, ConnectionStatus>();

/** The fate of all connections of a runtime as one status, for everybody who shares it. */
export class ConnectionStatus {
  private readonly words = new ReplaySubject<StreamsStatus>(1);
  private readonly broken = new BrokenConnections();

  /** Follows it from the first call on. */
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

  /** Something worked, so there is a connection, unless one is known to be broken. */
  opened(): void {
    if (this.broken.size === 0) this.words.next('connected');
  }

  /** Tells of it until the function that it answers is called, which tells the end. */
  tell(listener: (status: StreamsStatus) => void): () => void {
    const subscription = this.words.subscribe(listener);
    return () => {
      subscription.unsubscribe();
      listener('disconnected');
    };
  }
}
