//! debug
use std::sync::Arc;
use scenarios::format::Scenario;
use scenarios::hidden::Hidden;
use scenarios::simulate::Simulation;
use scenarios::world;
use cloud_sim::ahead::{Ahead, MapChoice};
use cloud_sim::executor::Serial;
use shared::job::Job;
use shared::plan::Override;
use firmware_bridge::process::*;
use std::collections::BTreeMap;
struct P(Hidden, Arc<std::sync::Mutex<Vec<(f64,f64,f64,f64)>>>);
impl CuttingProcess for P { fn cut(&mut self, m:&ToolMotion)->CutLoad { let l=self.0.cut(m); self.1.lock().expect("x").push((m.to.x,m.to.y,m.to.z,l.force_peak_xy.as_n())); l } }
fn main(){
  let a: Vec<String> = std::env::args().collect();
  let sc = match Scenario::load(&a[1],1.0) { Ok(s)=>s, Err(e)=>{ println!("{:?}", e.diagnostics); return } };
  let (job,d)=Job::compile(&sc.sources); let Some(job)=job else { println!("{d:?}"); return }; let job=Arc::new(job);
  let s = world::session_config(&sc.file);
  let ch=MapChoice{cell_mm:s.cell_mm,memory_max_bytes:s.memory_max_bytes};
  let sim=Simulation::run(&job,&sc.sources,ch,&Serial).expect("sim");
  let (start,_)=Ahead::new(&job,&sc.sources,ch,&Serial).expect("a");
  let mut t=sc.file.truth.clone(); t.spread=0.0; t.noise=0.0;
  let (h,_f)=Hidden::new(&job,start.map(),&t,vec![1],None).expect("h");
  let log=Arc::new(std::sync::Mutex::new(Vec::new()));
  let mut cfg=world::virtual_config(&sc.file,&job); cfg.seed=1;
  // trace by segment
  let mut by: BTreeMap<u32,(f64,u32)> = BTreeMap::new();
  use firmware_bridge::virtual_controller::*; use firmware_bridge::dialect::virtual_link::*; use shared::time::*;
  let mut c=VirtualController::new(job.machine.clone(),Arc::clone(&job.path),Box::new(P(h,log.clone())),cfg,Instant::ORIGIN).expect("c");
  let mut b=Vec::new(); encode_command(LinkCommand::Run,&mut b); c.handle_bytes(Instant::ORIGIN,&b);
  let mut now=Instant::ORIGIN; let mut out=Vec::new();
  while c.execution()!=firmware_bridge::controller::Execution::ProgramCompleted { now=now.after(Duration::from_ms(100)); c.advance_to(now,&mut |p|{ let e=by.entry(p.segment).or_insert((0.0,p.line)); e.0=e.0.max(p.load.force_peak_xy.as_n()); }); out.clear(); c.poll_bytes(&mut out); }
  let mut rows=Vec::new();
  let _=Override::PROGRAMMED;
  let mut model: BTreeMap<u32,f64>=BTreeMap::new();
  for i in 0..sim.prediction.steps.len(){ let seg=sim.prediction.steps[i].segment; let f=sim.loads(i,1.0).map_or(-1.0,|l|l.force_peak_xy.as_n()); let e=model.entry(seg).or_insert(0.0); *e=e.max(f); }
  let mut sm=0.0; let mut st=0.0; let mut worst=0.0f64;
  for (seg,(t,line)) in &by { let m=model.get(seg).copied().unwrap_or(0.0); rows.push((*seg,*line,*t,m)); sm+=m; st+=t; if m>1.0{worst=worst.max(t/m);} }
  println!("sum model {sm:.0} truth {st:.0}, worst ratio {worst:.2}");
  let mut top=rows.clone(); top.sort_by(|a,b|b.2.total_cmp(&a.2));
  for r in top.iter().take(12){ let s=&job.path.segments()[r.0 as usize]; println!("seg {} line {} truth {:.1} model {:.1} prev {:.1} next {:.1} len {:.3} {:?} {:?}->{:?}", r.0,r.1,r.2,r.3, model.get(&(r.0.wrapping_sub(1))).copied().unwrap_or(0.0), model.get(&(r.0+1)).copied().unwrap_or(0.0), s.length.as_mm(), s.kind, s.geometry.start(), s.geometry.end()); }
  let mut diff=rows; diff.retain(|r| r.2>5.0); diff.sort_by(|a,b|(b.2-b.3).total_cmp(&(a.2-a.3)));
  println!("-- largest diff"); for r in diff.iter().take(12){ let s=&job.path.segments()[r.0 as usize]; println!("seg {} line {} truth {:.1} model {:.1} len {:.3} feed {:.1} {:?}->{:?}", r.0,r.1,r.2,r.3,s.length.as_mm(), s.feed.as_mm_s(), s.geometry.start(), s.geometry.end()); }
}
