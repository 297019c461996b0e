import type { Inbox, InboxOutcome } from 'nestjs-redis-streams/driver';
import type { CompletionKey } from 'nestjs-redis-streams/driver';
import type { Database, DatabaseTransaction } from './database.js';

