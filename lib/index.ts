// The shell: what a Nest application uses.
export {
  RedisStreamsClient,
  type RedisStreamsClientOptions,
} from './nest/client/redis-streams.client.js';
export { StreamPublisher, type BatchItem } from './nest/client/stream-publisher.js';
export { StreamRecord, StreamRecordBuilder } from './nest/client/stream-record.js';
export {
  StreamsClient,
  type StreamPattern,
  type StreamsClientExtras,
  type StreamsClientOptions,
} from './nest/client/streams.client.js';
export { BatchResult, type BatchPlace } from './nest/handling/batch-result.js';
export { StreamBatchContext, StreamBatchItem } from './nest/handling/stream-batch.context.js';
export { StreamContext } from './nest/handling/stream.context.js';
export { StreamHandler } from './nest/handling/stream-handler.decorator.js';
export type {
  StreamHandlerOptions,
  StreamHandlerSources,
} from './nest/handling/stream-handler.options.js';
export {
  InjectConsumerGroupManager,
  InjectStreamsClient,
  InjectStreamsPublisher,
} from './nest/module/inject-streams.decorators.js';
export { LagMonitor } from './nest/lag/lag-monitor.js';
export { OnStreamLag, type StreamLagFilter } from './nest/lag/on-stream-lag.decorator.js';
export {
  RedisStreamsModule,
  type RedisStreamsModuleAsyncOptions,
  type RedisStreamsModuleOptions,
} from './nest/module/redis-streams.module.js';
export type { StreamsModuleExtras } from './nest/module/module-options.js';
export type { StreamsOptionsFactory } from './nest/module/streams-core.module.js';
export {
  StreamsModule,
  type StreamsModuleAsyncOptions,
  type StreamsModuleOptions,
} from './nest/module/streams.module.js';
export { getStreamsToken } from './nest/tokens.js';
export type { StreamsStatus } from './nest/transport/connection-status.js';
export {
  RedisStreamsTransport,
  type RedisStreamsTransportOptions,
} from './nest/transport/redis-streams.transport.js';
export {
  StreamsTransport,
  type StreamsListeners,
  type StreamsTransportOptions,
} from './nest/transport/streams.transport.js';

// Consumers without a controller.
export type {
  EventCallback,
  EventDelivery,
  EventMessage,
} from './runtime/stream-consumers/event-callback.js';
export type { PendingMessage } from './runtime/stream-consumers/pending-messages.js';
export { StreamConsumer } from './runtime/stream-consumers/stream-consumer.js';
export { StreamConsumers } from './runtime/stream-consumers/stream-consumers.js';
export type { StreamConsumerOptions } from './options/stream-consumer-options.js';

// Streams shared out between consumers.
export { LoadBalancer, StreamNotifications } from './nest/load-balancing/load-balancer.js';
export {
  getLoadBalancerToken,
  InjectLoadBalancer,
  LoadBalancerModule,
  type LoadBalancerModuleAsyncOptions,
  type LoadBalancerModuleExtras,
  type LoadBalancerModuleOptions,
} from './nest/load-balancing/load-balancer.module.js';
export { LoadBalancedContext } from './nest/handling/load-balanced.context.js';
export {
  LoadBalancedHandler,
  type LoadBalancedHandlerOptions,
} from './nest/load-balancing/load-balanced-handler.decorator.js';
export {
  OnStreamAdded,
  OnStreamDisowned,
  OnStreamExpired,
  OnStreamTerminated,
  type OnStreamOptions,
} from './nest/load-balancing/on-stream.decorators.js';
export type {
  StreamAdded,
  StreamDisowned,
  StreamExpired,
  StreamNotification,
  StreamNotificationType,
  StreamPayload,
  StreamTerminated,
} from './load-balancing/notifications.js';
export type { OwnedStream } from './load-balancing/owned-stream.js';
export type { LoadBalancerOptions, LoadBalancerRetry } from './options/load-balancer-options.js';

// Administration.
export {
  ConsumerGroupManager,
  type ClaimStaleOptions,
  type CreateGroupOptions,
  type RemoveConsumerOptions,
} from './admin/groups/consumer-groups.js';
export type { GroupInfo } from './admin/groups/group-info.js';
export type {
  PendingFilter,
  PendingPage,
  PendingPageOptions,
} from './admin/groups/pending-pages.js';
export {
  StreamRetention,
  type RetentionPin,
  type RetentionReport,
} from './admin/retention/stream-retention.js';
export {
  DeadLetters,
  type DeadLetterView,
  type DeadLetterViews,
} from './admin/dead-letters/dead-letters.js';
export { StreamsAdmin, type LagReader } from './admin/streams-admin.js';
export {
  DelayedMessages,
  type DelayedMessage,
  type DelayedMessagePage,
} from './admin/delays/delayed-messages.js';

// Workflows.
export {
  Workflows,
  type StartOptions,
  type WorkflowState,
  type WorkflowStatus,
  type WorkflowStep,
} from './workflows/workflows.js';
export {
  fanOut,
  next,
  WorkflowInstruction,
  type FanOut,
  type NextStep,
  type PlainInstruction,
  type StepLike,
} from './workflows/instructions.js';
export type { StepTarget } from './options/step-target.js';
export type { FanOutOptions, NextOptions } from './options/workflow-options.js';
export type {
  BranchFailure,
  JoinedResults,
  WorkflowFailure,
} from './workflows/workflow-payloads.js';
export type { WorkflowContext, WorkflowPlace } from './core/workflow-place.js';
export type { Arrival, StoredWorkflow, WorkflowStore } from './ports/workflow-store.js';
export type { FinishedStep } from './core/ended-step.js';
export type { EndedStep, StepReport } from './core/ended-step.js';

// Options.
export type { StreamsOptions } from './options/streams-options.js';
export { redisAclRules, type RedisAclOptions } from './drivers/redis/acl.js';
export { redis } from './drivers/redis/redis.driver.js';
export { RedisTransaction } from './drivers/redis/completions/redis.inbox.js';
export type { NatMap } from './drivers/redis/topology/topology.js';
export type {
  NodeAddress,
  RedisOptions,
  SentinelAddress,
} from './drivers/redis/connection/redis.options.js';
export type { RedisStreamsOptions } from './runtime/redis.preset.js';

// Errors.
export {
  ClaimFailedError,
  StreamDisownedError,
  StreamNotOwnedError,
  StreamUnsettledError,
} from './core/errors/balancing.errors.js';
export { RedisConnectionError, TlsConnectionError } from './core/errors/connection.errors.js';
export {
  ConsumerHasPendingError,
  GroupNotFoundError,
  StreamNotFoundError,
} from './core/errors/group.errors.js';
export {
  HandlerTimeoutError,
  InvalidInstructionError,
  InvalidMessageKeyError,
  OwnershipLostError,
  RetryLaterError,
  ShutdownError,
  UndecodableError,
  UnrecoverableError,
} from './core/errors/handling.errors.js';
export {
  BackpressureError,
  InvalidMessageError,
  PayloadTooLargeError,
  PublishBatchError,
  NotReplicatedError,
} from './core/errors/publishing.errors.js';
export {
  AlreadySubscribedError,
  ConsumerCrashedError,
  HandlerNotFoundError,
  SharedStreamError,
} from './core/errors/subscription.errors.js';
export {
  AnswerLostError,
  NotARequestHandlerError,
  RemoteError,
  RequestTimeoutError,
} from './core/errors/request.errors.js';
export {
  EntryTooLargeError,
  PermissionDeniedError,
  ReplyBrokenError,
  ServerOutOfMemoryError,
  ServerReplyError,
  WrongKeyTypeError,
} from './core/errors/server.errors.js';
export {
  ClosedError,
  HandlerConflictError,
  type HandlerConflict,
  DedupeConflictError,
  OrderConflictError,
  InvalidOptionsError,
  UnsupportedFeatureError,
  WildcardWithoutStreamError,
} from './core/errors/start-up.errors.js';
export { StreamsError } from './core/errors/streams.error.js';

// The vocabulary: for listeners, middleware, codecs and drivers of one's own.
export type { AnswerKind, RequestRun } from './core/answer.js';
export type { BackpressureOptions, MaxLag } from './options/backpressure-options.js';
export { systemClock, type Clock, type TimerHandle } from './core/clock.js';
export { fieldOf, type Codec, type DecodedFields } from './core/codecs/codec.js';
export { backstageCodec } from './core/codecs/backstage.codec.js';
export { businessCodec, type BusinessCodecOptions } from './core/codecs/business.codec.js';
export { jsonCodec } from './core/codecs/json.codec.js';
export { rawCodec } from './core/codecs/raw.codec.js';
export type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQueue,
  DeadLetterRecord,
} from './ports/dead-letters.js';
export type {
  DelayedEntry,
  DelayedPage,
  DelayedRecord,
  DelayStore,
  Promoted,
} from './ports/delays.js';
export type { ClaimOutcome, Completions } from './ports/completions.js';
export type { Claim, Completion, CompletionKey } from './core/completion.js';
export {
  Delivery,
  type BatchHandler,
  type BatchedDelivery,
  type BoundHandler,
  type Handler,
} from './core/delivery.js';
export type { Driver, DriverContext, DriverFactory } from './ports/driver.js';
export type { DueTime } from './options/due-time.js';
export type { OverrunReason, OverrunStatus } from './core/overrun.js';
export {
  EventBus,
  type SettledEvent,
  type SettledOutcome,
  type StreamsEventName,
  type StreamsEvents,
  type UnendedRun,
  type UnhandledWaits,
} from './core/events.js';
export type {
  ConsumerReport,
  GroupAdmin,
  GroupReport,
  PendingEntries,
  PendingEntry,
  PendingQuery,
  StreamReport,
} from './ports/group-admin.js';
export type {
  GroupLag,
  LagOptions,
  LagSeverity,
  LagThreshold,
  StreamLagExceeded,
} from './core/lag.js';
export type { GroupMembers, LiveConsumer, LiveConsumers } from './ports/live-consumers.js';
export type {
  BackoffOptions,
  BatchOptions,
  DedupeKey,
  DedupeOptions,
  HandlerOptions,
  UnmatchedPolicy,
} from './core/handler-options.js';
export type { Inbox, InboxOutcome } from './ports/inbox.js';
export type { Middleware } from './core/handler.js';
export type { OrderBy, OrderKey } from './core/order-by.js';
export type { Guard } from './core/guard.js';
export type { BeginOutcome, ExtendOutcome, Lease } from './core/lease.js';
export type { LeaseName, LeaseStore, OwnedLease } from './ports/lease-store.js';
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
export type { Replies, ReplyBox, ReplyBoxOptions } from './ports/replies.js';
export type { LastReply, OutgoingReply } from './core/reply.js';
export type { RequestHeader } from './core/request.js';
export type {
  Retention,
  RetentionPolicy,
  RetentionRule,
  StreamFootprint,
  TrimOrder,
  Trimmed,
} from './ports/retention.js';
export type { PublishOptions } from './options/publish-options.js';
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
  type Leave,
  type Lost,
  type Release,
  type Retry,
  type Settlement,
  type SettleOutcome,
} from './core/settlement.js';
export { type ErrorRecord } from './core/errors/error-record.js';
export type {
  MessageSource,
  Settling,
  SourceCapabilities,
  SubscribeOptions,
  Subscription,
} from './ports/source.js';
export type { StateStore } from './ports/state-store.js';
export { bytesOfText, textOfBytes } from './core/codecs/text-bytes.js';
