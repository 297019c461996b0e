import type { Clock } from '../core/clock.js';
import type { EventBus } from '../core/event-bus.js';
import { MissingSlotError } from '../core/errors/slot.errors.js';
import { UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import { COMMITS_OPTIONS, type CommitsSettings } from '../options/commits-options.js';
import type { IdFormat } from '../ports/id-format.js';
import type { MessageSource } from '../ports/source.js';
import type { StateStore } from '../ports/state-store.js';
import { ConsumerCommits, type CommitParts } from './consumer-commits.js';
import { ConsumerStates, type ConsumedStreams } from './consumer-states.js';

/** What decides whether and how consumers record how far they have come. */
export interface CommittingParts {
  readonly options: {
    readonly name: string;
    readonly group: string;
    readonly commits: CommitsSettings | undefined;
  };
  readonly driver: { readonly source: MessageSource; readonly ids: IdFormat };
  /** `state` undefined: the slot of the state store is empty. */
  readonly slots: { readonly state: StateStore | undefined };
  readonly consumers: { readonly read: readonly ConsumedStreams[] };
  readonly clock: Clock;
  readonly events: EventBus;
}

/** Records how far the consumers of a transport have come, and reads it. */
export class Commits {
  readonly states: ConsumerStates;
  /** The recorders of consumers that read now. */
  private readonly opened = new Set<ConsumerCommits>();
  private readonly recording: CommitParts | undefined;

  constructor(private readonly parts: CommittingParts) {
    const { options, slots } = parts;
    this.recording = recordingOf(parts);
    this.states = new ConsumerStates({
      state: slots.state,
      group: options.group,
      name: options.commits?.name ?? options.name,
      read: () => parts.consumers.read,
      opened: this.opened,
    });
  }

  /** Makes the recorder of one consumer. Undefined: nothing is recorded. */
  get recorders(): { of(group: string): ConsumerCommits } | undefined {
    const { recording, opened } = this;
    return recording && { of: (group) => new ConsumerCommits(group, recording, opened) };
  }

  /**
   * Call it before anything is read.
   * @throws MissingSlotError, UnsupportedFeatureError where there must be a state store, and is none;
   * UnsupportedFeatureError where a source has partitions and does not remember positions
   */
  requireStore(): void {
    const { driver, slots, options } = this.parts;
    const { technology, holds } = driver.source.capabilities;
    if (resumes(this.parts) && holds === 'partition') {
      const advice = 'Its driver has to remember how far each partition is: positions "source".';
      throw new UnsupportedFeatureError('Resuming partitions from records', technology, advice);
    }
    if (slots.state) return;
    if (resumes(this.parts)) {
      const why = `${technology} does not remember how far a group has come, so the state store has to`;
      throw new MissingSlotError('stateStore', why);
    }
    if (!options.commits) return;
    const advice = `Fill it, for example with ${technology} too, if that has a state store.`;
    const where = `${technology} while the slot stateStore is empty`;
    throw new UnsupportedFeatureError('The option commits', where, advice);
  }
}

function recordingOf(parts: CommittingParts): CommitParts | undefined {
  const { driver, slots, options, clock, events } = parts;
  const settings = options.commits ?? (resumes(parts) ? COMMITS_OPTIONS.complete({}) : undefined);
  if (!settings || !slots.state) return undefined;
  const named = { ...settings, name: settings.name ?? options.name };
  const { source, ids } = driver;
  return { source, ids, store: slots.state, clock, events, settings: named };
}

const resumes = ({ driver }: Pick<CommittingParts, 'driver'>): boolean =>
  driver.source.capabilities.positions === 'engine';
