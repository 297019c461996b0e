import type { Msg, RequestOptions } from '@nats-io/transport-node';

/** How a request is made. */
export interface RequestHow extends Partial<Pick<RequestOptions, 'headers'>> {
  /** Longest wait for the answer, in milliseconds. @default requestTimeout */
  readonly timeout?: number;
}

/** What sends requests. */
export interface Requests {
  /**
   * Sends a request and awaits its answer.
   * @param action what the caller is doing, for errors: `creating a stream`
   * @throws NatsConnectionError, PermissionDeniedError, ClosedError and the like
   */
  request(
    action: string,
    subject: string,
    body?: Uint8Array | string,
    how?: RequestHow,
  ): Promise<Msg>;
}
