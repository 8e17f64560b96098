import { RoundTrips } from '../stats/round-trips.ts';
import { Histogram } from './histogram.ts';
import type { TextExposition } from './text-exposition.ts';

/** What one other member has cost; `id` is in hex. Add to counters, observe into histograms. */
export class PeerSeries {
  readonly id: string;
  /** etcd_network_peer_sent_bytes_total */
  sentBytes = 0;
  /** etcd_network_peer_received_bytes_total */
  receivedBytes = 0;
  /** etcd_network_peer_sent_failures_total: messages that could not be sent. */
  sentFailures = 0;
  /** etcd_network_peer_received_failures_total: streams of it that broke off. */
  receivedFailures = 0;
  /** etcd_network_disconnected_peers_total */
  disconnects = 0;
  /** etcd_network_active_peers: 1 while it listens. */
  isActive = 0;
  /** etcd_network_known_peers: 1 while it is a member. */
  isKnown = 0;
  snapshotsSent = 0;
  snapshotSendFailures = 0;
  snapshotSendsInFlight = 0;
  snapshotsReceived = 0;
  snapshotReceiveFailures = 0;
  snapshotReceivesInFlight = 0;
  /** The times below for GET /v2/stats/leader. */
  readonly roundTrips = new RoundTrips();
  /** etcd_network_peer_round_trip_time_seconds */
  readonly roundTripSeconds = Histogram.exponential(0.0001, 2, 16);
  readonly snapshotSendSeconds = Histogram.exponential(0.1, 2, 10);
  readonly snapshotReceiveSeconds = Histogram.exponential(0.1, 2, 10);

  constructor(id: string) {
    this.id = id;
  }
}

type Direction = 'To' | 'From';

/** The network between members. */
export class PeerMetrics {
  /** This member's id in hex; empty until known. */
  localId = '';
  readonly #peers = new Map<string, PeerSeries>();

  /** The series of one other member, made when first asked for. */
  peer(id: string): PeerSeries {
    let series = this.#peers.get(id);
    if (series === undefined) {
      series = new PeerSeries(id);
      this.#peers.set(id, series);
    }
    return series;
  }

  write(out: TextExposition): void {
    this.#counts(out);
    this.#snapshots(out);
  }

  #counts(out: TextExposition): void {
    const pair = (id: string) => ({ Local: this.localId, Remote: id });
    const each = (write: (series: PeerSeries) => void) => {
      for (const series of this.#peers.values()) write(series);
    };
    out.open('etcd_network_active_peers', 'gauge', 'Members that are connected.');
    each((series) => out.sample(pair(series.id), series.isActive));
    out.open('etcd_network_known_peers', 'gauge', 'Members that are known.');
    each((series) => out.sample(pair(series.id), series.isKnown));
    out.open('etcd_network_disconnected_peers_total', 'counter', 'Connections to members lost.');
    each((series) => out.sample(pair(series.id), series.disconnects));
    const counter = (
      name: string,
      help: string,
      direction: Direction,
      value: (series: PeerSeries) => number,
    ) => {
      out.open(`etcd_network_peer_${name}_total`, 'counter', help);
      each((series) => out.sample({ [direction]: series.id }, value(series)));
    };
    counter('sent_bytes', 'Bytes sent to members.', 'To', (one) => one.sentBytes);
    counter('received_bytes', 'Bytes from members.', 'From', (one) => one.receivedBytes);
    counter('sent_failures', 'Messages not sent.', 'To', (one) => one.sentFailures);
    counter('received_failures', 'Streams that broke off.', 'From', (one) => one.receivedFailures);
    out.open(
      'etcd_network_peer_round_trip_time_seconds',
      'histogram',
      'Time of a message to a member and back.',
    );
    each((series) => out.buckets({ To: series.id }, series.roundTripSeconds));
  }

  #snapshots(out: TextExposition): void {
    for (const [way, direction] of [
      ['send', 'To'],
      ['receive', 'From'],
    ] as const) {
      const all = [...this.#peers.values()].map((series) => ({
        labels: { [direction]: series.id },
        ...snapshotSeries(series, way),
      }));
      const name = `etcd_network_snapshot_${way}`;
      out.open(
        `${name}_success`,
        'counter',
        `States that were ${way === 'send' ? 'sent' : 'received'}.`,
      );
      for (const { labels, success } of all) out.sample(labels, success);
      out.open(`${name}_failures`, 'counter', `States that were given up on the way.`);
      for (const { labels, failures } of all) out.sample(labels, failures);
      out.open(`${name}_inflights_total`, 'gauge', 'States that are under way.');
      for (const { labels, inFlight } of all) out.sample(labels, inFlight);
      out.open(`${name}_total_duration_seconds`, 'histogram', 'Time that a state was under way.');
      for (const { labels, seconds } of all) out.buckets(labels, seconds);
    }
  }
}

function snapshotSeries(series: PeerSeries, way: 'send' | 'receive') {
  return way === 'send'
    ? {
        success: series.snapshotsSent,
        failures: series.snapshotSendFailures,
        inFlight: series.snapshotSendsInFlight,
        seconds: series.snapshotSendSeconds,
      }
    : {
        success: series.snapshotsReceived,
        failures: series.snapshotReceiveFailures,
        inFlight: series.snapshotReceivesInFlight,
        seconds: series.snapshotReceiveSeconds,
      };
}
