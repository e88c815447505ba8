import type { Clock } from '../../ports/clock.js';
import type { Consumer, EventLog } from '../../ports/event-log.js';
import { DeviceWaker, type DeviceWakerDependencies } from './device-waker.js';
import { PartitionNotifier } from './partition-notifier.js';

export interface PushNotifierDependencies extends DeviceWakerDependencies {
  readonly eventLog: EventLog;
  readonly clock: Clock;
}

/** Wakes the devices that the `push` topic names. */
export function startPushNotifier(dependencies: PushNotifierDependencies): Promise<Consumer> {
  const notifier = { ...dependencies, waker: new DeviceWaker(dependencies), maxWaiting: 50_000, maxAttempts: 32 };
  return dependencies.eventLog.consume({
    topic: 'push',
    group: 'push-notifier',
    maxBatch: 1_000,
    assigned: (assignment) => new PartitionNotifier(assignment, notifier),
  });
}
