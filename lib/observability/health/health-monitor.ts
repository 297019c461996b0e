import { bounded, withoutPasswords } from '../../core/errors/text-of.js';
import { Connections } from './connections.js';
import { DeadLetterRate } from './dead-letter-rate.js';
import { EventLoopWatch } from './event-loop-watch.js';
import { followIncidents } from './follow-incidents.js';
import { GroupCheck } from './group-check.js';
import type { ResolvedHealth } from './health-options.js';
import { reportOf, type HealthReport, type Reason } from './health-report.js';
import { Incidents } from './incidents.js';
import { notReading, readerCause, sourceCauses, type ReaderCheck } from './reader-causes.js';
import type { Watched } from './watched.js';

/** Longest message of a cause, in bytes. */
const LONGEST = 1024;

/** The health of one transport. Make it before the transport connects: it listens to events. */
export class HealthMonitor {
  private readonly connections: Connections;
  private readonly incidents: Incidents;
  private readonly deadLetters: DeadLetterRate;
  private readonly eventLoop: EventLoopWatch;
  private readonly groups: GroupCheck;
  private terminating = false;

  constructor(
    private readonly watched: Watched,
    private readonly options: ResolvedHealth,
  ) {
    const { events, clock, knowsConsumers } = watched;
    const now = (): number => clock.now();
    this.connections = new Connections(events, now);
    this.incidents = new Incidents(now, options.window);
    followIncidents(events, this.incidents, knowsConsumers);
    this.deadLetters = new DeadLetterRate(events, now, options);
    this.eventLoop = new EventLoopWatch(now, options.window);
    this.groups = new GroupCheck(watched, options);
  }

  /** Begins to watch the event loop. */
  start(): void {
    this.eventLoop.start();
  }

  stop(): void {
    this.eventLoop.stop();
  }

  /** The process has been told to end: it is not ready any more. */
  terminate(): void {
    this.terminating = true;
  }

  /** Whether the reading loops make progress. Asks no server. `down` or `up`. */
  liveness(): HealthReport {
    const check = this.readerCheck();
    const causes = this.watched.readers
      .list()
      .flatMap((reader) => readerCause(reader, check) ?? []);
    return this.report(causes.filter(({ status }) => status === 'down'));
  }

  /**
   * Whether the transport works, and what makes it degraded. Asks the server whether the groups
   * exist. Never rejects.
   */
  async readiness(): Promise<HealthReport> {
    const ending = this.notRunning();
    if (ending) return this.report([ending]);
    const asked = this.connections.areComplete ? await this.groups.causes() : [];
    // The transport may have begun to stop meanwhile.
    const ended = this.notRunning();
    if (ended) return this.report([ended]);
    const check = this.readerCheck();
    const readers = this.watched.readers.list();
    const causes = [
      ...this.connections.causes(),
      ...readers.flatMap((reader) => notReading(reader) ?? []),
      ...asked,
      ...readers.flatMap((reader) => readerCause(reader, check) ?? []),
      ...readers.flatMap((reader) => sourceCauses(reader, check)),
      ...this.degraded(),
    ];
    return this.report(causes.filter(this.counts));
  }

  private report(reasons: readonly Reason[]): HealthReport {
    const transport = this.watched.name;
    // Pages of health may be public, and messages have the texts of foreign errors.
    const safe = (text: string): string => bounded(withoutPasswords(text), LONGEST);
    return reportOf(
      reasons.map((reason) => ({ transport, ...reason, message: safe(reason.message) })),
    );
  }

  private readonly counts = ({ status, code }: Reason): boolean =>
    status === 'down' || !this.options.ignore.includes(code);

  private notRunning(): Reason | undefined {
    const phase = this.watched.phase();
    if (this.terminating || phase === 'stopping') {
      return { code: 'stopping', status: 'down', message: 'The transport is being closed.' };
    }
    if (phase === 'reading' || !this.options.consumes) return undefined;
    const message =
      'The transport does not read yet. For an application that only publishes, set consumes: false.';
    return { code: 'not-started', status: 'down', message };
  }

  private readerCheck(): ReaderCheck {
    this.eventLoop.look();
    const { clock, overruns } = this.watched;
    return {
      now: clock.now(),
      notBefore: Math.max(this.connections.healedAt, this.eventLoop.freeSince),
      isOutage: this.connections.isOutage,
      deadline: this.options.readerDeadline,
      overruns: overruns.list(),
    };
  }

  private degraded(): Reason[] {
    return [
      ...this.overrunning(),
      ...this.deadLetters.causes(),
      ...this.eventLoop.causes(),
      ...this.incidents.causes(),
    ];
  }

  private overrunning(): Reason[] {
    const holding = this.watched.overruns.list().filter(({ slotGivenBack }) => !slotGivenBack);
    return holding.map(({ handler, stream, group, runningFor }) => ({
      code: 'overrun',
      status: 'degraded',
      message: `${handler} goes on after its timeout, for ${Math.round(runningFor)} ms so far, and holds its slot.`,
      stream,
      group,
    }));
  }
}
