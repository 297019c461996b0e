import { NatsConnectionError } from '../errors/nats-connection.errors.js';
import { typedError } from '../errors/typed-error.js';

/** What awaits an answer of the server. */
export class UnderWay {
  private readonly all = new Map<object, (error: Error) => void>();

  /**
   * Awaits something of the client. The client may wait in vain where the connection breaks: this
   * rejects then.
   * @throws what `typedError` makes of the client's error; NatsConnectionError, with the outcome
   * `unknown`, where the connection broke
   */
  answered<T>(action: string, ask: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const key = {};
      const fail = (error: unknown): void => {
        this.all.delete(key);
        reject(typedError(error, action));
      };
      this.all.set(key, (error) => {
        const isBroken = error instanceof NatsConnectionError;
        fail(isBroken ? new NatsConnectionError('unknown', action, error.cause) : error);
      });
      ask().then((answer) => {
        this.all.delete(key);
        resolve(answer);
      }, fail);
    });
  }

  /** Call it when the connection broke or was closed. */
  fail(error: Error): void {
    for (const fail of [...this.all.values()]) fail(error);
  }
}
