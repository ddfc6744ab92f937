// How the report page looks: on a screen, on a narrow one, on A4.
#pragma once

namespace hyops::record {

// Every tone (good, bad, warn, open) also has a sign and a word in the page: colour is never alone.
inline constexpr const char* report_style = R"css(
:root{--ink:#1a2027;--soft:#56616d;--line:#d9dee4;--band:#f4f6f8;--good:#17663a;--bad:#a11420;
--warn:#8a5300;--open:#4a5563}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:28px 32px 48px;background:#fff;color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI","Liberation Sans",Arial,sans-serif}
header p{margin:2px 0;color:var(--soft)}h1{font-size:25px;line-height:1.25;margin:0 0 4px}
h2{font-size:17px;margin:34px 0 10px;padding-bottom:5px;border-bottom:2px solid var(--ink)}
p{margin:6px 0}code,.mono{font-family:ui-monospace,"DejaVu Sans Mono","Liberation Mono",
monospace;font-size:.88em;overflow-wrap:anywhere}
.kicker{text-transform:uppercase;letter-spacing:.09em;font-size:.8em;font-weight:600}
.verdict{display:flex;gap:18px;align-items:center;margin:20px 0;padding:18px 22px;
border:2px solid;border-left-width:12px;border-radius:4px}
.verdict .sign{font-size:36px;line-height:1;font-weight:700;width:40px;text-align:center}
.verdict strong{display:block;font-size:27px;line-height:1.2}
.verdict p{color:var(--ink);margin:3px 0 0}
.good{color:var(--good);border-color:var(--good)}.bad{color:var(--bad);border-color:var(--bad)}
.warn{color:var(--warn);border-color:var(--warn)}
.open{color:var(--open);border-color:var(--open)}
.verdict.good{background:#f1f8f4}.verdict.bad{background:#fdf3f3}
.verdict.warn{background:#fdf7ec}.verdict.open{background:#f4f6f8}
.cards{display:grid;grid-template-columns:repeat(4,1fr);gap:12px}
.card{border:1px solid var(--line);border-radius:4px;padding:12px 14px}
.card .kicker{color:var(--soft)}
.card b{display:block;font-size:23px;line-height:1.3;color:var(--ink)}
.card span{font-size:.87em;color:var(--soft)}
.card .judged{font-weight:600;font-size:.87em}.card .judged.good{color:var(--good)}
.card .judged.bad{color:var(--bad)}.card .judged.open{color:var(--open)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13.5px}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:1px solid var(--ink);
padding:5px 10px 5px 0;vertical-align:bottom;white-space:nowrap}
td{border-bottom:1px solid var(--line);padding:6px 10px 6px 0;vertical-align:top;
overflow-wrap:break-word}
td.num,th.num{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.keep{white-space:nowrap}
.mark{font-weight:600;white-space:nowrap}
td small{display:block;color:var(--soft);font-size:.92em}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:8px 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--band);border:1px solid var(--line);border-radius:4px;padding:12px 14px;
overflow-x:auto;font-size:13px;line-height:1.55;margin:8px 0}
.none{color:var(--soft)}
footer{margin-top:36px;padding-top:10px;border-top:1px solid var(--line);color:var(--soft);
font-size:13px}
.timeline{width:100%;min-width:700px;height:auto;font:12.5px system-ui,"Liberation Sans",Arial,
sans-serif}
.timeline text{fill:var(--ink)}.timeline .axis{fill:var(--soft);font-size:11.5px}
.timeline .grid{stroke:var(--line)}
.timeline .band{fill:var(--band)}.timeline .phase{fill:#9aa5b1}
.timeline .phasename{font-weight:600}.timeline .phasetime{font-weight:600}
.timeline .time{fill:var(--soft);font-size:11.5px}.timeline .on{fill:#fff;font-size:11.5px}
.timeline .bar.good{fill:#2c7a4b}.timeline .bar.bad{fill:#a11420}
.timeline .bar.warn{fill:#b87410;stroke:#6b4000;stroke-width:1.5;stroke-dasharray:4 2}
.timeline .bar.open{fill:#8b96a2}
.timeline .flag{stroke:#0b4a8f;stroke-width:1.5;stroke-dasharray:5 3}
.timeline .flagname{fill:#0b4a8f;font-weight:600}
@media screen and (max-width:720px){.scroll table{min-width:760px}
body{padding:18px 14px 32px;font-size:14px}.cards{grid-template-columns:1fr 1fr}
.verdict{padding:14px;gap:10px}.verdict strong{font-size:22px}
dl{grid-template-columns:1fr;gap:0}dt{margin-top:6px}}
@page{size:A4;margin:14mm}
@media print{body{max-width:none;padding:0;font-size:11px;line-height:1.4;
-webkit-print-color-adjust:exact;print-color-adjust:exact}h1{font-size:19px}
h2{font-size:13.5px;margin-top:20px;break-after:avoid}table{font-size:9.5px}
.card b{font-size:16px}.verdict strong{font-size:20px}.scroll{overflow:visible}
.timeline{min-width:0}tr,.card,.verdict,dl,pre{break-inside:avoid}
thead{display:table-header-group}pre{white-space:pre-wrap;font-size:10px}}
)css";

}  // namespace hyops::record
