use crate::support::*; use dotwrap_testkit::*; use std::time::Instant;
#[tokio::test]
async fn timing() {
    for v in Version::ALL {
        let d = used_ledger(v).await;
        let c = d.client_as("dot_archiver").await;
        for jit in ["on", "off"] {
        c.batch_execute(&format!("SET search_path = dot, pg_temp; SET jit = {jit}")).await.unwrap();
        let mut times = vec![];
        for f in std::fs::read_dir("src/checks").unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
            for q in std::fs::read_dir(f).unwrap() {
                let p = q.unwrap().path();
                let mut s = std::fs::read_to_string(&p).unwrap();
                if p.ends_with("recomputed.sql") { continue; }
                if p.to_str().unwrap().contains("/ladder/") && !p.to_str().unwrap().contains("run_view") { s = std::fs::read_to_string("src/checks/ladder/recomputed.sql").unwrap() + &s; }
                let t = Instant::now(); c.simple_query(&s).await.unwrap(); times.push((t.elapsed(), p));
            }
        }
        times.sort(); times.reverse();
        let total: std::time::Duration = times.iter().map(|t| t.0).sum();
        eprintln!("row {v:?} jit {jit} total {total:?}"); for t in times.iter().take(8) { eprintln!("row {t:?}"); }
        }
    }
}
