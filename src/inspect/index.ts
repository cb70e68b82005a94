/**
 * `hypercore-wire/inspect`: a captured conversation, read frame by frame and field by field.
 *
 * @module hypercore-wire/inspect
 */
export { annotate, messageExplanations } from './annotate.ts';
export type { CaptureEvent, CaptureListener, OfConnection } from './capture/events.ts';
export {
  type CapturedEvent,
  CaptureInspector,
  type CaptureInspectorOptions,
  type ConnectionEvent,
} from './capture/inspect-capture.ts';
export { captureHeader, captureLine } from './capture/json-lines.ts';
export { CaptureReader } from './capture/reader.ts';
export type {
  Direction,
  DirectionStatistics,
  EndEvent,
  InspectEvent,
  InspectedField,
  InspectedFrame,
  MessageEvent,
  NoticeEvent,
  Place,
  StatisticsEvent,
  TypeStatistics,
  VerdictEvent,
} from './events.ts';
export { Inspector, type InspectorOptions } from './inspector.ts';
