import { refuseStartId } from '../entry-ids/entry-id-format.js';
import { isDelayed } from '../../ports/delays.js';
import { divide } from '../../core/collections/divide.js';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import type { EventBus } from '../../core/event-bus.js';
import type { OutgoingEntry } from '../../core/message.js';
import type { SettleOutcome } from '../../core/settlement.js';
import type { MessageSource, Settling } from '../../ports/source.js';
import type { SourceCapabilities } from '../../ports/source-capabilities.js';
import type { SubscribeOptions, Subscription } from '../../ports/subscription.js';
import { ClusterPublishing } from './cluster/cluster-publishing.js';
import { ClusterSubscription } from './cluster/cluster.subscription.js';
import { SlotPlace } from './topology/slot-place.js';
import { bySlot } from './topology/slots.js';
import type { Topology } from './topology/topology.js';
import type { Commands } from './connection/commands.js';
import type { Connector } from './connection/connector.js';
import type { Hints } from './connection/hints.js';
import type { Keys } from './keys/keys.js';
import { placementProblems } from './keys/stream-name-problems.js';
import type { HandedHints } from './live-consumers/handed-hints.js';
import { openCommands } from './cluster/open-commands.js';
import { Publishing } from './publishing/publishing.js';
import { isReplicated, ReplicatedPublishing } from './publishing/publishing-replicated.js';
import type { ReadBudget } from './held-entries/read-budget.js';
import { RedisDelays } from './delays/redis.delays.js';
import type { RedisReplies } from './requests/redis.replies.js';
import { RedisSubscription } from './reading/redis.subscription.js';
import type { ServerFeatures } from './connection/server-features.js';
import { readSettledUpTo } from './groups/settled-up-to.script.js';
import { settleAll } from './settling/settling.js';

const CAPABILITIES: Omit<SourceCapabilities, 'atomicPublish'> = {
  technology: 'redis',
  redelivers: false,
  holds: 'entry',
  leaves: true,
  keepsReleasedOrder: true,
  delivery: 'at-least-once',
  positions: 'source',
  atomicDeadLetter: true,
  durableAttempts: true,
  extends: true,
  idempotentPublish: true,
  replicatedPublish: true,
};

/** Share of the longest wait for a reply. The rest is for the way. */
const WAIT_SHARE = 0.8;

export interface RedisSourceOptions {
  readonly connector: Connector;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly replies: RedisReplies;
  readonly features: ServerFeatures;
  readonly hints: Hints;
  readonly handed: HandedHints;
  readonly budget: ReadBudget;
}

/** Redis Streams as a message source. */
export class RedisSource implements MessageSource {
  readonly capabilities: SourceCapabilities;
  readonly delays: RedisDelays;
  private readonly subscriptions = new Set<Subscription>();
  private readonly publishing: Pick<Publishing, 'publish' | 'close'>;
  private readonly replicated: ReplicatedPublishing;

  constructor(private readonly options: RedisSourceOptions) {
    const { connector, commands, keys, events, features, hints } = options;
    const { topology } = commands;
    // No script reaches keys of several slots.
    this.capabilities = { ...CAPABILITIES, atomicPublish: !topology };
    this.publishing = topology
      ? new ClusterPublishing({ connector, commands, topology, keys, events })
      : new Publishing({ connector, events, keys, features });
    this.replicated = new ReplicatedPublishing({
      connect: () => openCommands(connector, events, 'replicated'),
      keys,
      timeout: Math.floor(connector.commandTimeout * WAIT_SHARE),
    });
    this.delays = new RedisDelays({
      hints,
      commands,
      keys,
      events,
      replicated: (entries) => this.replicated.publish(entries),
    });
  }

  publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    return entries.some(isReplicated)
      ? this.publishSome(entries)
      : this.publishing.publish(entries);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    refuseStartId(options.startId);
    const { connector, commands } = this.options;
    const { connectTimeout } = connector;
    const { topology } = commands;
    const onClosed = (): void => void this.subscriptions.delete(subscription);
    const subscription: RedisSubscription | ClusterSubscription = topology
      ? this.onCluster(options, topology, onClosed)
      : new RedisSubscription({ ...options, ...this.options, onClosed });
    this.subscriptions.add(subscription);
    await commands.ready('subscribing', connectTimeout);
    await subscription.open(connectTimeout);
    return subscription;
  }

  settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]> {
    const { commands, keys } = this.options;
    const { replying } = this.options.replies;
    const context = { commands, keys, publish: this.publishNext.bind(this) };
    if (replying.waiting.length === 0) return settleAll(batch, context);
    // Another node may have the reply boxes.
    if (commands.topology) {
      return replying.flush().then(() => settleAll(batch, context));
    }
    // Answers, then the acknowledgements of their requests, in one write.
    const socket = commands.current?.stream;
    socket?.cork();
    void replying.flush();
    const settling = settleAll(batch, context);
    socket?.uncork();
    return settling;
  }

  settledUpTo(stream: string, group: string): Promise<string | undefined> {
    const { commands, keys } = this.options;
    const key = keys.stream(stream);
    return commands.run(
      `looking up what ${group} has settled`,
      (client) => readSettledUpTo(client, { key, group }),
      key,
    );
  }

  /** Publishes entries of which some wait for replicas. */
  private publishSome(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    return divide(
      entries,
      isReplicated,
      (waiting) => this.replicated.publish(waiting),
      (others) => this.publishing.publish(others),
    );
  }

  /** Publishes entries that follow from a message, some of them later. */
  private publishNext(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    return divide(
      entries,
      isDelayed,
      (delayed) => this.delays.schedule(delayed),
      (others) => this.publish(others),
    );
  }

  /** @throws InvalidOptionsError where the names of streams do not fit on a cluster */
  private onCluster(
    options: SubscribeOptions,
    topology: Topology,
    onClosed: () => void,
  ): ClusterSubscription {
    const { keys } = this.options;
    const problems = placementProblems(keys, options.streams);
    if (problems.length > 0) throw new InvalidOptionsError(problems);
    const slots = bySlot(options.streams, (stream) => keys.stream(stream));
    return new ClusterSubscription(
      [...slots].map(([slot, streams]) => {
        const place = new SlotPlace(topology, slot);
        return new RedisSubscription({ ...options, ...this.options, streams, place });
      }),
      onClosed,
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
    const { hints } = this.options;
    await Promise.all([this.publishing.close(), this.replicated.close(), hints.close()]);
    await this.options.commands.close();
    this.options.connector.close();
  }
}
