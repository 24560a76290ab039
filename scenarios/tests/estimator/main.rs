//! Learning from spindle power, against truths that nobody told the model.
//!
//! `world` runs edge and cloud against the hidden process and looks at forces; `roc` runs the estimator alone over
//! hundreds of hours of modelled meter readings and looks at alarms. Both print what they measure.

mod case;
mod roc;
mod series;
mod world;
