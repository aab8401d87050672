// hdr_log.js FILE: an HDR log as hdr-histogram-js reads it, as JSON: for each tag its lines and their histograms' sum.
'use strict';
const fs = require('fs');
const hdr = require('hdr-histogram-js');

const PERCENTILES = [50, 90, 95, 99, 99.9, 100];
const reader = new hdr.HistogramLogReader(fs.readFileSync(process.argv[2], 'utf8'));
const tags = {};
for (let interval; (interval = reader.nextIntervalHistogram()) !== null;) {
  const tag = tags[interval.tag] ||= { lines: [], sum: hdr.build({ highestTrackableValue: 86400000000, numberOfSignificantValueDigits: 3 }) };
  tag.lines.push({ start: interval.startTimeStampMsec, end: interval.endTimeStampMsec, count: interval.totalCount });
  tag.sum.add(interval);
}
for (const tag of Object.values(tags)) {
  const sum = tag.sum;
  tag.count = sum.totalCount;
  tag.percentiles = Object.fromEntries(PERCENTILES.map((p) => [p, sum.getValueAtPercentile(p)]));
  delete tag.sum;
}
console.log(JSON.stringify(tags));
