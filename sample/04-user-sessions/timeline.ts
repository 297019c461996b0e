import { EventEmitter, once } from 'node:events';
import type { Told } from './telling.js';

interface Session {
  readonly owners: string[];
  readonly steps: number[];
  token: number;
}

/** Who owned which session, and what was handled in it, as the workers have told. */
export class Timeline {
  readonly sessions = new Map<string, Session>();
  /** Events that were handled under a token lower than one seen before. */
  outdated = 0;
  private readonly changes = new EventEmitter();

  hear(told: Told): void {
    if (told.kind === 'owned') this.own(told.session, told.by, told.token);
    if (told.kind === 'handled') this.handle(told.session, told.step, told.token);
    this.changes.emit('change');
  }

  ownedBy(worker: string): string[] {
    return [...this.sessions]
      .filter(([, { owners }]) => owners.at(-1) === worker)
      .map(([name]) => name);
  }

  /** Steps that were handled, each once. */
  get handled(): number {
    return [...this.sessions.values()].reduce((sum, { steps }) => sum + new Set(steps).size, 0);
  }

  /** Whether no session went back, but for the one event that its owner had in hand when it died. */
  get inOrder(): boolean {
    return [...this.sessions.values()].every(({ steps }) =>
      steps.every((step, index) => index === 0 || [0, 1].includes(step - steps[index - 1]!)),
    );
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.changes, 'change');
  }

  private own(name: string, worker: string, token: number): void {
    const session = this.session(name);
    session.owners.push(worker);
    session.token = Math.max(session.token, token);
  }

  private handle(name: string, step: number, token: number): void {
    const session = this.session(name);
    session.steps.push(step);
    if (token < session.token) this.outdated++;
  }

  private session(name: string): Session {
    let session = this.sessions.get(name);
    if (!session) this.sessions.set(name, (session = { owners: [], steps: [], token: 0 }));
    return session;
  }
}
