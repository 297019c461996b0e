import { driverContract } from 'nestjs-redis-streams/testing';
import { describe, it } from 'vitest';
import { teachingHarness } from './teaching.harness.js';

driverContract({ describe, it }, 'teaching', teachingHarness);
