// What a driver implements.
export type { ClaimOutcome, Completions } from './ports/completions.js';
export type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQueue,
  DeadLetterRecord,
} from './ports/dead-letters.js';
export {
  delayedId,
  delayedName,
  type DelayedEntry,
  type DelayedPage,
  type DelayedRecord,
  type DelayHints,
  type DelayStore,
  type Promoted,
} from './ports/delays.js';
export type { Driver, DriverContext, DriverFactory } from './ports/driver.js';
export type {
  ConsumerReport,
  FurthestBehind,
  GroupAdmin,
  GroupReport,
  PendingEntries,
  PendingEntry,
  PendingQuery,
  StreamReport,
} from './ports/group-admin.js';
export type { IdFormat } from './ports/id-format.js';
export type { Inbox, InboxOutcome } from './ports/inbox.js';
export type { LeaseName, LeaseStore, OwnedLease } from './ports/lease-store.js';
export type {
  AnnouncedStream,
  Announcement,
  ConsumerState,
  GroupMembers,
  HandOverOutcome,
  LiveConsumer,
  LiveConsumers,
  Membership,
  Receiver,
  SharedOptions,
} from './ports/live-consumers.js';
export type { Replies, ReplyBox, ReplyBoxOptions } from './ports/replies.js';
export type {
  Retention,
  RetentionPolicy,
  StreamFootprint,
  TrimOrder,
  Trimmed,
} from './ports/retention.js';
export type { RetentionRule } from './options/retention-options.js';
export type {
  MessageSource,
  Settling,
  SourceCapabilities,
  SubscribeOptions,
  Subscription,
} from './ports/source.js';
export type { StateStore } from './ports/state-store.js';
export type {
  BalancerMember,
  BalancerMembers,
  CompleteOutcome,
  HandedInput,
  HandOverTarget,
  JoinOptions,
  LetGoOutcome,
  OwnedSubscribeOptions,
  OwnedSubscription,
  OwnershipParts,
  PendingInput,
  StreamHandOverOutcome,
  StreamInput,
  StreamInputs,
  StreamLocks,
  StreamOwnership,
  TakeOutcome,
} from './ports/stream-ownership.js';
export type { Arrival, StoredWorkflow, WorkflowStore } from './ports/workflow-store.js';

// The vocabulary of ports, middleware and codecs.
export { systemClock, type Clock, type TimerHandle } from './core/clock.js';
export { fieldOf, type Codec, type DecodedFields } from './core/codecs/codec.js';
export type { BusinessCodecOptions } from './core/codecs/business.codec.js';
export type { Claim, Completion, CompletionKey } from './core/completion.js';
export type { ConsumerProcess } from './ports/consumer-process.js';
export type { BoundHandler, Delivery, Handler } from './core/delivery.js';
export type { SettledStep } from './core/workflow.js';
export type { FinishedStep } from './ports/workflow-store.js';
export type { ErrorRecord } from './core/errors/error-record.js';
export { type StreamsEventName, type StreamsEvents, type StreamsListeners } from './core/events.js';
export type { UnhandledWaits } from './core/unhandled-waits.js';
export { type SettledEvent, type SettledOutcome, type UnendedRun } from './core/run-events.js';
export { EventBus } from './core/event-bus.js';
export type { Guard } from './core/guard.js';
export type {
  BackoffOptions,
  BatchOptions,
  DedupeOptions,
  HandlerOptions,
} from './options/handler-options.js';
export type { Middleware } from './core/middleware.js';
export type { HeldStream, StreamPlace } from './core/held-stream.js';
export type { LagSeverity, StreamLagExceeded } from './core/lag.js';
export type { LagOptions, LagThreshold } from './options/lag-options.js';
export type { BeginOutcome, ExtendOutcome, Lease } from './core/lease.js';
export type {
  Fields,
  Idempotency,
  IdempotencyWindow,
  Message,
  Metadata,
  OutgoingEntry,
  OutgoingMessage,
  When,
} from './core/message.js';
export type { OverrunReason, OverrunStatus } from './core/overrun.js';
export type { LastReply, OutgoingReply } from './core/reply.js';
export type { Route } from './core/routing.js';
export {
  ack,
  deadLetter,
  leave,
  release,
  retry,
  type Ack,
  type DeadLetterIt,
  type DeadLetterReason,
  type HandedOver,
  type Leave,
  type Lost,
  type Release,
  type Retry,
  type Settlement,
  type SettleOutcome,
  type Unhandled,
} from './core/settlement.js';
export { bytesOfText, textOfBytes } from './core/codecs/text-bytes.js';
export type { BackpressureOptions, MaxLag } from './options/backpressure-options.js';
export type { DueTime } from './options/due-time.js';
export type { StepTarget } from './options/step-target.js';

// Errors that drivers throw and events carry.
export { StreamUnsettledError } from './core/errors/balancing.errors.js';
export { ConnectionError } from './core/errors/connection.errors.js';
export { GroupNotFoundError, StreamNotFoundError } from './core/errors/group.errors.js';
export { InvalidMessageError, NotReplicatedError } from './core/errors/publishing.errors.js';
export {
  EntryTooLargeError,
  PermissionDeniedError,
  ReplyBrokenError,
  ServerOutOfMemoryError,
  ServerReplyError,
  WrongKeyTypeError,
  type Refused,
} from './core/errors/server.errors.js';
export {
  ClosedError,
  InvalidOptionsError,
  MissingPackageError,
  UnsupportedFeatureError,
} from './core/errors/start-up.errors.js';
export { StateStoreFullError } from './core/errors/state-store.errors.js';
export { StreamsError } from './core/errors/streams.error.js';
export { ConsumerCrashedError } from './core/errors/subscription.errors.js';
