"""Style and script of the report page. Nothing is loaded from anywhere: it works from a file, without network."""

from __future__ import annotations

STYLE = """\
:root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1c2024;--soft:#565d66;--line:#d9dce1;
--focus:#0b57d0;
--forward:#cfe0fb;--forward-line:#2f66b8;--backward:#fbdcc0;--backward-line:#a4520b;--update:#c9eadb;
--update-line:#0f6b4c;--fixed:#e4e1f3;--fixed-line:#6350a8;--stays:#e3e6ea;--layer:#f2f4f6;--good:#0f6b4c;
--bad:#a32020}
@media(prefers-color-scheme:dark){:root:not([data-theme=light]){--page:#14171a;--card:#1c2024;--ink:#e8eaed;
--soft:#a9b1ba;--line:#383e45;--focus:#8ab4f8;--forward:#23406b;--forward-line:#8ab4f8;--backward:#5c3514;
--backward-line:#f2ab6b;--update:#17473a;--update-line:#6fd3ae;--fixed:#3b3560;--fixed-line:#b8a9f2;--stays:#30363d;
--layer:#24292e;--good:#6fd3ae;--bad:#ff9b91}}
:root[data-theme=dark]{color-scheme:dark;--page:#14171a;--card:#1c2024;--ink:#e8eaed;--soft:#a9b1ba;--line:#383e45;
--focus:#8ab4f8;--forward:#23406b;--forward-line:#8ab4f8;--backward:#5c3514;--backward-line:#f2ab6b;
--update:#17473a;
--update-line:#6fd3ae;--fixed:#3b3560;--fixed-line:#b8a9f2;--stays:#30363d;--layer:#24292e;--good:#6fd3ae;
--bad:#ff9b91}
:root[data-theme=light]{color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,"Segoe UI",Roboto,sans-serif}
header,main{max-width:1040px;margin:0 auto;padding:0 20px}
header{display:flex;align-items:baseline;gap:16px;padding-top:28px;flex-wrap:wrap}
header p{margin:0;color:var(--soft);flex:1}
h1{font-size:24px;margin:0}h2{font-size:20px;margin:40px 0 4px;overflow-wrap:anywhere}h3{font-size:15px;
margin:26px 0 8px}
a{color:var(--focus)}
.sub{color:var(--soft);margin:0 0 12px;overflow-wrap:anywhere}
button{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:6px;
padding:4px 12px;
cursor:pointer}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px}
.skip{position:absolute;left:-999px}.skip:focus{left:20px;top:8px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);font-size:13px}
.number{text-align:right;white-space:nowrap}
.wide{overflow-x:auto}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:12px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 14px}
.tile b{display:block;font-size:20px;font-weight:600}.tile span{color:var(--soft);font-size:13px}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px;overflow-x:auto}
.scroll{max-height:560px;overflow:auto}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:8px 0 0;padding:0;list-style:none;color:var(--soft);
font-size:13px}
.legend i{display:inline-block;width:12px;height:12px;border:1px solid;border-radius:3px;margin-right:6px;
vertical-align:-1px}
details{margin:8px 0}summary{cursor:pointer;color:var(--soft)}
svg{display:block;max-width:none}svg.treemap,svg.memory{width:100%;min-width:640px;height:auto}
svg text{font:11.5px system-ui,"Segoe UI",Roboto,sans-serif;fill:var(--ink)}
.layer{fill:var(--layer);stroke:var(--line)}.layer-name{font-weight:600}
.cell{stroke-width:1}.trained,.forward rect,rect.forward,i.forward,i.trained{fill:var(--forward);
stroke:var(--forward-line)}
.slot,.update rect,rect.update,i.update,i.slot{fill:var(--update);stroke:var(--update-line)}
.backward rect,rect.backward,i.backward{fill:var(--backward);stroke:var(--backward-line)}
.fixed,i.fixed,.input rect{fill:var(--fixed);stroke:var(--fixed-line)}
i.trained,i.forward{background:var(--forward);border-color:var(--forward-line)}
i.slot,i.update{background:var(--update);border-color:var(--update-line)}
i.backward{background:var(--backward);border-color:var(--backward-line)}
i.fixed{background:var(--fixed);border-color:var(--fixed-line)}
i.stays{background:var(--stays);border-color:var(--soft)}
.stays{fill:var(--stays)}.bar{stroke:none}rect.bar.forward{fill:var(--forward-line)}
rect.bar.backward{fill:var(--backward-line)}rect.bar.update{fill:var(--update-line)}
.grid{stroke:var(--line)}.axis{fill:var(--soft)}.end{text-anchor:end}.strong{fill:var(--ink);font-weight:600}
.peak{fill:var(--ink)}.edge{fill:none;stroke:var(--soft);stroke-opacity:.55}.op{font-weight:600}
.node .short{fill:var(--soft)}
rect:hover{filter:brightness(1.08)}
.meter{background:var(--layer);border:1px solid var(--line);border-radius:4px;margin:7px 0 0 8px;box-sizing:content-box}
code{font:13px ui-monospace,Consolas,monospace;overflow-wrap:anywhere}
@media print{.scroll{max-height:none}button,.skip{display:none}}
"""

SCRIPT = """\
const root=document.documentElement,button=document.querySelector('#theme');
const isDark=()=>root.dataset.theme?root.dataset.theme==='dark':matchMedia('(prefers-color-scheme:dark)').matches;
const say=()=>{button.textContent=isDark()?'Light':'Dark';button.setAttribute('aria-label','Switch to '+
button.textContent.toLowerCase()+' colors')};
button.hidden=false;say();
button.addEventListener('click',()=>{root.dataset.theme=isDark()?'light':'dark';say()});
"""
